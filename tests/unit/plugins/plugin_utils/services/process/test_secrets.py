"""The files with keys that a service of the process target reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost

KEYS = Credentials("the-access-key", "the-secret-key")


@pytest.fixture
def host(tmp_path: Path) -> ProcessHost:
    service = {"namespace": "", "port": 1, "node_port": 0, "endpoint": ""}
    options: dict[str, Any] = {
        "name": "unit", "target": "process", "state_dir": str(tmp_path), "bind": "127.0.0.1", "network": "",
        "registry": "", "context": "", "kubeconfig": "", "node_address": "",
        "port_forward": False, "docker_host": "", "training_namespace": "",
        "pull_secrets": [],
        "mlflow": {
            **service, "name": "mlflow", "artifact_mode": "direct", "username": "", "password": "", "token": "",
        },
        "object_store": {
            **service, "name": "store", "bucket": "b", "region": "r", "access_key": "", "secret_key": "",
        },
    }  # fmt: skip
    return ProcessHost(World.from_options(options))


def test_every_file_is_there_before_the_service_starts(host: ProcessHost, tmp_path: Path) -> None:
    given = {
        "role": "object_store", "name": "store", "namespace": "", "image": "", "command": ["store"], "env": {},
        "ports": [{"name": "s3", "port": 1, "variable": "object_store_port"}], "data": "data", "data_path": "/data",
        "data_size": "", "data_class": "", "health": "/", "healthcheck": [], "built": False, "resources": {},
        "requirements": [], "secret_files": {"first": "${access_key}", "second": {"key": "${secret_key}"}},
    }  # fmt: skip
    service = host.service(given)
    folder = tmp_path / "services" / "store" / "secrets"
    assert host.deliver(service, KEYS)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "first": "the-access-key",
        "second": '{"key": "the-secret-key"}',
    }
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert not host.deliver(service, KEYS)
