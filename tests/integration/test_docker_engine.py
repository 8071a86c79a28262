"""An engine that cannot be used, or cannot give what is asked for, is told apart on the real one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import quantities
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, networks
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images

pytestmark = pytest.mark.docker
NOBODY = 65534
# What is imported before is read as root: nobody may not enter every folder that it comes from.
AS_NOBODY = """
import os, sys, docker
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
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


def test_the_network_of_launches_goes_with_a_world_whose_services_are_elsewhere(tmp_path: Path) -> None:
    # As after a training with training_target docker in a world of the target process.
    name = f"samerun-tests-left-{worlds.SLOT}"
    state = tmp_path / "state"
    variables = {"samerun_world": name, "samerun_network": name, "samerun_state_dir": str(state)}
    launch = RunRecord(
        launch="x-20260101-000000-0000", name="x", world=name, target="docker", script="x.py", script_sha256="",
        bundle_sha256="", fingerprint="", contract={}, image="", tracking_uri="", state=RunState.FINISHED, exit_code=0,
    )  # fmt: skip
    files.write_json(state / "runs" / launch.launch / "record.json", launch.as_dict())
    real = worlds.RealWorld("process", tmp_path, variables, {})
    client = engine.connect()
    network = client.networks.create(name, labels={OWNER_LABEL: OWNER, WORLD_LABEL: name})
    theirs = client.networks.create(f"{name}-theirs")
    try:
        user = client.containers.create(worlds.MINIO_IMAGE or images.BASE_IMAGE, network=name)
        try:
            assert real.play("samerun.stack.teardown").code == 0
            assert client.networks.list(names=[f"^{name}$"]) != [], "a container would not start again without it"
        finally:
            user.remove()
        down = real.play("samerun.stack.teardown")
        assert (down.code, down.changed) == (0, 1), down.text
        assert client.networks.list(names=[f"^{name}$"]) == []
        assert client.networks.list(ids=[theirs.id]) != []
    finally:
        theirs.remove()
        for left in client.networks.list(ids=[network.id]):
            left.remove()
        client.close()


def test_a_network_that_many_make_at_once_is_one() -> None:
    name = f"samerun-tests-once{worlds.SLOT or ''}"
    begin = threading.Barrier(8)

    def make(_number: int) -> bool:
        with contextlib.closing(engine.connect()) as client:
            begin.wait()
            return networks.ensure(client, name, {OWNER_LABEL: OWNER})

    with contextlib.closing(engine.connect()) as client:
        try:
            with ThreadPoolExecutor(8) as pool:
                made = list(pool.map(make, range(8)))
            assert len(networks.named(client, name)) == sum(made) == 1
            assert not networks.ensure(client, name, {})
        finally:
            for network in networks.named(client, name):
                network.remove()
