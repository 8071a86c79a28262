"""An engine that cannot be used, or cannot give what is asked for, is told apart on the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils import images
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import docker as engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import quantities

pytestmark = pytest.mark.docker
NOBODY = 65534
# What is imported before is read as root: nobody may not enter every folder that it comes from.
AS_NOBODY = """
import os, sys, docker
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import docker as engine
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
try:
    engine.connect()
except SamerunError as error:
    print(error.code, error)
"""


@pytest.fixture(autouse=True)
def there() -> None:
    if reason := worlds.missing("docker"):
        pytest.skip(reason)


def test_a_user_who_may_not_use_the_socket_is_told_how_he_may() -> None:
    if os.getuid() or not engine.host().startswith("unix://"):
        pytest.skip("needs root, to become somebody who may not, and an engine at a Unix socket")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "collections")}
    ended = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(NOBODY)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    said = ended.stdout
    assert said.startswith("77 Failed to talk to the Docker engine at unix://")
    assert "no permission on its socket. sudo usermod -aG docker $USER" in said


def test_a_gpu_that_the_engine_does_not_have_is_said() -> None:
    client = engine.connect()
    try:
        if "nvidia" in str(client.info().get("Runtimes")):
            pytest.skip("needs an engine without GPUs")
        config = {"Image": images.BASE_IMAGE, "Cmd": ["true"], "HostConfig": quantities.docker_limits({"gpu": "1"})}
        container = client.containers.get(client.api.create_container_from_config(config)["Id"])
        try:
            with (
                pytest.raises(SamerunError, match=r"^Failed to start it: the engine has no GPU to give"),
                engine.explained("start it"),
            ):
                container.start()
        finally:
            container.remove(force=True)
    finally:
        client.close()
