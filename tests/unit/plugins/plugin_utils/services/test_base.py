from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World, moved_key
from ansible_collections.samerun.stack.plugins.plugin_utils.services import HOSTS
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Places, Port, Service

KEYS = Credentials('an "access" key', "a secret $key")
PLACES = Places(data="/d", secrets="/s", bin="/b/", listen="127.0.0.1")


def options(**given: Any) -> dict[str, Any]:
    """The option `service` of a module, with its defaults."""
    found = {name: spec.get("default") for name, spec in SERVICE_SPEC["service"]["options"].items()}
    port = {"name": "s3", "port": 9000, "variable": "object_store_port", "node_port": ""}
    required = {"role": "object_store", "name": "store", "command": ["x"], "ports": [port], "data": "store-data"}
    return {**found, **required, "data_path": "/data", "health": {"http": "/health"}, **given}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.from_options(world_options(target="process", state_dir=str(tmp_path), object_store={"name": "store"}))


def test_a_command_and_its_variables_get_places_ports_and_addresses(world: World) -> None:
    command = [
        "${bin}x",
        "--data=${data}",
        "--port=${s3_port}",
        "--to=${object_store_url}",
        "${bucket}",
        "$HOME ${other}",
    ]
    env = {"HOSTS": "${allowed_hosts}", "SECRETS": "${secrets}", "NUMBER": 1}
    found = Service.from_options(options(role="mlflow", needs=["object_store"], command=command, env=env), {}).at(
        PLACES, world, "host"
    )
    assert found.command == (
        "/b/x", "--data=/d", "--port=9000", "--to=http://localhost:9000", "mlflow-artifacts", "$HOME ${other}",
    )  # fmt: skip
    assert found.env == {"HOSTS": "127.0.0.1:5000,localhost:5000", "SECRETS": "/s", "NUMBER": "1"}


def test_secret_files_get_addresses_and_keep_the_names_of_secrets(world: World) -> None:
    files = {"text": "${object_store_host}:${object_store_port} ${data} ${access_key}"}
    found = Service.from_options(options(role="mlflow", needs=["object_store"], secret_files=files), {})
    assert found.at(PLACES, world, "host").secret_files == {"text": "localhost:9000 /d ${access_key}"}


def test_secret_files_hold_the_keys_whatever_is_in_them() -> None:
    files = {"text": "${access_key} ${secret_key} $other", "json": {"keys": [{"a": "${access_key}", "n": 1}]}}
    found = Service.from_options(options(secret_files=files), {}).rendered_secrets(KEYS.named)
    assert found["text"] == b'an "access" key a secret $key $other'
    assert json.loads(found["json"]) == {"keys": [{"a": 'an "access" key', "n": 1}]}


@pytest.mark.parametrize(
    "given", [{"image": "other"}, {"command": ["y"]}, {"env": {"A": "1"}}, {"resources": {"cpu": 1}}, {"data": "d"}],
    ids=lambda given: next(iter(given)),
)  # fmt: skip
def test_the_hash_of_a_service_follows_what_is_wanted(given: dict[str, Any]) -> None:
    assert Service.from_options(options(), {}).sha256 == Service.from_options(options(), {}).sha256
    assert Service.from_options(options(**given), {}).sha256 != Service.from_options(options(), {}).sha256


def test_a_port_that_was_moved_stays_moved_until_another_is_asked_for() -> None:
    given = {"name": "s3", "port": "9000", "variable": "object_store_port", "node_port": "30900"}
    kept = {moved_key("object_store_port", 9000): 9001}
    asked: list[tuple[dict[str, Any], dict[str, int]]] = [(given, {}), (given, kept), ({**given, "port": 9500}, kept)]
    found = [Port.from_options(options, moved) for options, moved in asked]
    assert [port.port for port in found] == [9000, 9001, 9500]
    assert {(port.name, port.variable, port.node_port) for port in found} == {("s3", "object_store_port", 30900)}


def test_keys_are_kept_privately_and_read_back(world: World) -> None:
    host = ProcessHost(world)
    assert host.credentials() is None
    host.keep_credentials(KEYS)
    assert host.credentials() == KEYS
    assert (world.state / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_hosts_are_known_by_their_names() -> None:
    assert {name: host.NAME for name, host in HOSTS.items()} == {name: name for name in HOSTS}
