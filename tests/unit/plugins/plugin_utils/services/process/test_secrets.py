"""The files with keys that a service of the process target reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost

KEYS = Credentials("the-access-key", "the-secret-key")


@pytest.fixture
def host(tmp_path: Path) -> ProcessHost:
    options = world_options(name="unit", target="process", state_dir=str(tmp_path), object_store={"name": "store"})
    return ProcessHost(World.from_options(options))


def test_every_file_is_there_before_the_service_starts(host: ProcessHost, tmp_path: Path) -> None:
    given = {
        **{name: spec.get("default") for name, spec in SERVICE_SPEC["service"]["options"].items()},
        "role": "object_store", "name": "store", "command": ["store"], "data": "data", "data_path": "/data",
        "ports": [{"name": "s3", "port": 1, "variable": "object_store_port"}], "health": {"http": "/"},
        "secret_files": {"first": "${access_key}", "second": {"key": "${secret_key}"}},
    }  # fmt: skip
    service = host.service(given)
    folder = tmp_path / "services" / "store" / "secrets"
    assert host.deliver(service, KEYS.named)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "first": "the-access-key",
        "second": '{"key": "the-secret-key"}',
    }
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert not host.deliver(service, KEYS.named)
