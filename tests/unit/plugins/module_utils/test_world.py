from __future__ import annotations

import json
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.contract import TABLE, Variable
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.settings import SETTINGS
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World

KEYS = Credentials("the access key", "the secret key")


SET = [row for row in TABLE if row.source in SETTINGS]
# A user is nothing without a password.
TOGETHER = {"mlflow_username": ["mlflow_password"], "mlflow_password": ["mlflow_username"]}


def where_set(row: Variable, value: str) -> World:
    """A world whose inventory sets what `row` carries."""
    found = world_options()
    for name in (row.source, *TOGETHER.get(row.source, [])):
        _world, *path, last = str(SETTINGS[name].option).split(".")
        reduce(dict.__getitem__, path, found)[last] = value
    return World.from_options(found)


@pytest.mark.parametrize("row", SET, ids=lambda row: row.name)
def test_a_row_carries_what_the_inventory_sets(row: Variable) -> None:
    world = where_set(row, "canary")
    resolved = world.contract("container", KEYS)
    assert (resolved.secret if row.secret else resolved.plain)[row.name] == "canary"
    assert "canary" not in repr(world)


def test_a_row_is_set_by_a_variable_that_every_module_takes_and_that_is_as_secret() -> None:
    assert SET
    assert [row for row in SET if row.setting != row.source] == []
    assert [row for row in SET if not str(SETTINGS[row.source].option).startswith("world.")] == []
    assert [row for row in SET if SETTINGS[row.source].no_log is not row.secret] == []


def test_the_contract_has_every_row_for_each_viewpoint() -> None:
    asked = [World.from_options(world_options()), *(where_set(row, "set") for row in SET)]
    for viewpoint in ("host", "container"):
        assert {name for world in asked for name in world.contract(viewpoint, KEYS).names} == {r.name for r in TABLE}
    world = World.from_options(world_options())
    host, container = world.contract("host", KEYS), world.contract("container", KEYS)
    assert host.names == container.names
    assert host.plain["MLFLOW_TRACKING_URI"] == "http://localhost:5000"
    assert container.plain["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
    assert container.secret == {"AWS_ACCESS_KEY_ID": "the access key", "AWS_SECRET_ACCESS_KEY": "the secret key"}


def test_missing_values_are_named_with_their_settings() -> None:
    with pytest.raises(SamerunError) as caught:
        World.from_options(world_options()).contract("host", None)
    for name, setting in (
        ("AWS_ACCESS_KEY_ID", "object_store_access_key"),
        ("AWS_SECRET_ACCESS_KEY", "object_store_secret_key"),
    ):
        assert f"{name} (set {setting})" in caught.value.message


@pytest.mark.parametrize(
    "endpoint, sent", [("https://s3.eu-west-1.amazonaws.com", False), ("https://x.r2.cloudflarestorage.com", True)]
)
def test_only_aws_gets_its_newer_checksums(endpoint: str, sent: bool) -> None:
    world = World.from_options(world_options(object_store={"endpoint": endpoint}))
    assert ("AWS_REQUEST_CHECKSUM_CALCULATION" in world.contract("host", KEYS).plain) is sent


@pytest.mark.parametrize("given, unset", [("access_key", "secret_key"), ("secret_key", "access_key")])
def test_half_a_pair_of_keys_is_refused(given: str, unset: str) -> None:
    world = World.from_options(world_options(object_store={given: "a"}))
    with pytest.raises(SamerunError, match=f"object_store_{unset} is empty"):
        _ = world.given_credentials


def test_keys_are_out_of_the_repr() -> None:
    world = World.from_options(world_options(object_store={"access_key": "canary-one", "secret_key": "canary-two"}))
    assert world.given_credentials == Credentials("canary-one", "canary-two")
    assert "canary" not in repr(world) + repr(world.given_credentials)


def test_a_port_that_the_world_moved_to_is_kept(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"mlflow_port=5000": 5002}))
    world = World.from_options(world_options(state_dir=str(tmp_path)))
    assert (world.mlflow.port, world.object_store.port) == (5002, 9000)
    asked = world_options(state_dir=str(tmp_path), mlflow={"port": 5071})
    assert World.from_options(asked).mlflow.port == 5071


def test_state_is_in_the_users_folder_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert World.from_options(world_options()).state.name == "w"
    assert World.from_options(world_options(state_dir="~/here")).state == Path.home() / "here"


@pytest.mark.parametrize(
    "given, problem",
    [
        ({"username": "canary"}, "mlflow_password is empty"),
        ({"password": "canary"}, "mlflow_username is empty"),
        ({"username": "canary", "password": "canary", "token": "canary"}, "are both set"),
        ({"username": "can:ary", "password": "canary"}, "holds a colon"),
        ({"token": "canary\n"}, "no header can carry"),
    ],
)
def test_a_login_that_cannot_be_meant_is_refused(given: dict[str, str], problem: str) -> None:
    with pytest.raises(SamerunError, match=problem) as caught:
        World.from_options(world_options(mlflow=given))
    assert "canary" not in str(caught.value) + caught.value.hint


def test_a_login_is_out_of_the_repr() -> None:
    world = World.from_options(world_options(mlflow={"username": "canary", "password": "canary"}))
    assert world.login.headers
    assert "canary" not in repr(world) + repr(world.login) + repr(world.contract("host", KEYS))


def test_a_world_that_writes_through_mlflow_needs_no_store() -> None:
    world = World.from_options(world_options(mlflow={"artifact_mode": "proxied"}, object_store={"endpoint": ""}))
    assert [name for name in world.contract("container", None).names if name.startswith("AWS_")] == []


@pytest.mark.parametrize("bind, host", [("127.0.0.1", "localhost"), ("0.0.0.0", "localhost"), ("10.0.0.7", "10.0.0.7")])
def test_services_are_reached_where_they_listen(bind: str, host: str) -> None:
    assert World.from_options(world_options(bind=bind)).mlflow.url("host") == f"http://{host}:5000"


def test_every_object_is_labelled_with_owner_and_world() -> None:
    assert World.from_options(world_options()).labels == {
        "app.kubernetes.io/managed-by": "samerun",
        "samerun.dev/world": "w",
    }


ABUSE = [
    "../..",
    "..",
    "/etc",
    "; rm -rf ~",
    "$(id)",
    "`id`",
    "{{ lookup('pipe', 'id') }}",
    "a\n[program:x]",
    "-x",
    "a" * 64,
]


@pytest.mark.parametrize("name", ABUSE)
@pytest.mark.parametrize(
    "variable", ["samerun_world", "samerun_network", "training_namespace", "mlflow_name", "object_store_bucket"]
)
def test_a_name_that_could_be_read_as_something_else_is_refused(variable: str, name: str) -> None:
    given: dict[str, dict[str, Any]] = {
        "samerun_world": {"name": name}, "samerun_network": {"network": name},
        "training_namespace": {"training_namespace": name}, "mlflow_name": {"mlflow": {"name": name}},
        "object_store_bucket": {"object_store": {"bucket": name}},
    }  # fmt: skip
    with pytest.raises(SamerunError, match=rf"^Failed to read {variable}: .* is not a name\.") as caught:
        World.from_options(world_options(**given[variable]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["w", "mlflow-2", "my_world.v1", "A1", "a" * 63])
def test_an_ordinary_name_is_taken(name: str) -> None:
    assert World.from_options(world_options(name=name)).name == name
