"""The secrets that services declare: made once, kept beside the S3 keys, read by whoever names them."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from fakes_cluster import FakeCluster
from world_options import service as declare
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes.host import KubernetesHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, named_secrets

DECLARED = {"page_token": None, "page_pin": {"length": 6, "alphabet": string.digits, "prefix": "pin-"}}


def made(target: str, state: Path) -> World:
    page = declare("page", port=1, namespace="pages", secrets=DECLARED)
    store = {"namespace": "storage", "port": 2}
    options = world_options(target=target, state_dir=str(state), services=[page], object_store=store)
    return World.from_options({**options, "node_address": "localhost"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return made("process", tmp_path)


def service(role: str = "page", **given: Any) -> Service:
    found = {name: spec.get("default") for name, spec in SERVICE_SPEC["service"]["options"].items()}
    secrets = DECLARED if role == "page" else {}
    wanted = {"role": role, "name": role, "command": ["x"], "ports": [], "data": "d", "data_path": "/d"}
    return Service.from_options({**found, **wanted, "health": {"http": "/"}, "secrets": secrets, **given}, {})


def test_what_a_service_declares_is_made_once_and_as_it_says(world: World) -> None:
    first = named_secrets.ensure(world, service())
    assert named_secrets.ensure(world, service()) == first == named_secrets.load(world)
    assert len(first["page_token"]) == 32
    assert set(first["page_token"]) <= set(string.hexdigits)
    assert first["page_pin"].removeprefix("pin-").isdigit()
    assert len(first["page_pin"]) == len("pin-") + 6
    assert (world.state / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in world.state.iterdir()) == ["credentials.json"], "and no lock stays"


def test_the_keys_of_a_world_of_before_are_read_as_they_are(world: World) -> None:
    old = {"access_key": "a", "secret_key": "b", "trainer_access_key": "c", "trainer_secret_key": "d"}
    (world.state / "credentials.json").write_text(json.dumps(old))
    assert credentials.load(world) == Credentials("a", "b", Credentials("c", "d"))
    assert named_secrets.load(world) == old
    found = named_secrets.ensure(world, service())
    assert found.items() > old.items()
    assert credentials.load(world) == Credentials("a", "b", Credentials("c", "d"))


def test_keys_that_change_leave_the_other_secrets_alone(world: World) -> None:
    before = named_secrets.ensure(world, service())
    credentials.ensure(world, trainer=True)
    found = named_secrets.load(world)
    assert found.items() > before.items()
    assert "trainer_secret_key" in found


def test_a_service_reads_secrets_of_others_once_they_are_there(world: World) -> None:
    reader = service("mlflow", secret_files={"file": "${access_key} ${page_token} ${nothing}"})
    assert named_secrets.read_by(world, reader) is None
    with pytest.raises(SamerunError, match="it has none yet"):
        named_secrets.ensure(world, reader)
    credentials.ensure(world, trainer=True)
    key = credentials.require(world).access_key
    with pytest.raises(SamerunError, match="has no page_token yet"):
        named_secrets.ensure(world, reader)
    token = named_secrets.ensure(world, service())["page_token"]
    rendered = reader.rendered_secrets(named_secrets.ensure(world, reader))
    assert rendered == {"file": f"{key} {token} ${{nothing}}".encode()}


def test_a_cluster_keeps_them_beside_their_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    monkeypatch.setattr(KubernetesHost, "cluster", cluster)
    world = made("kubernetes", tmp_path)
    credentials.ensure(world, trainer=True)
    keys = cluster.secrets()
    found = named_secrets.ensure(world, service())
    assert set(cluster.secrets()) == {"storage/minio-keys", "pages/page-keys"}
    assert cluster.secrets()["storage/minio-keys"] == keys["storage/minio-keys"]
    assert cluster.secrets()["pages/page-keys"]["data"].keys() == DECLARED.keys()
    assert host_of(world).kept() == found


def test_a_service_whose_secret_is_new_is_not_as_wanted(world: World) -> None:
    assert named_secrets.read_by(world, service(secret_files={"file": "${page_token}"})) == {}
