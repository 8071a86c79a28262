"""The keys of a world and those of its runs: who has which, before and after runs had their own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from fakes_cluster import FakeCluster
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes.host import KubernetesHost
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials

OLD = Credentials("the-old-access-key", "the-old-secret-key")


def made(target: str, state: Path, **store: Any) -> World:
    """A world that nobody has set up."""

    server, given = {"namespace": "monitoring", "port": 1}, {"namespace": "storage", "port": 2, **store}
    options = world_options(target=target, state_dir=str(state), mlflow=server, object_store=given)
    return World.from_options({**options, "node_address": "localhost"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return made("process", tmp_path)


def test_runs_get_keys_of_their_own_and_keep_them(world: World) -> None:
    assert credentials.ensure(world, trainer=True)
    kept = credentials.require(world)
    assert kept.trainer
    assert credentials.for_runs(world) == kept.trainer
    assert set(kept.values) & set(kept.trainer.values) == set()
    assert not credentials.ensure(world, trainer=True)
    assert credentials.require(world) == kept


def test_a_world_from_before_keeps_its_keys_and_its_runs_get_new_ones(world: World) -> None:
    path = world.state / "credentials.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"access_key": OLD.access_key, "secret_key": OLD.secret_key}))
    assert credentials.for_runs(world) == OLD, "until the next up"
    assert credentials.ensure(world, trainer=True, change=False)
    assert credentials.require(world) == OLD, "a prediction changes nothing"
    assert credentials.ensure(world, trainer=True)
    found = credentials.require(world)
    assert found.values == OLD.values
    assert found.trainer not in (None, OLD)


@pytest.mark.parametrize(
    "given, told",
    [
        ({"access_key": "given-x", "secret_key": "given-b"}, "object_store_access_key is not what"),
        ({"access_key": "given-a", "secret_key": "given-y"}, "object_store_secret_key is not what"),
        ({"access_key": "given-a", "secret_key": "given-b"}, ""),
        ({}, ""),
        ({"access_key": "given-x", "secret_key": "given-y", "endpoint": "http://s3.example"}, ""),
    ],
    ids=["access key", "secret key", "the same", "none", "another store"],
)
def test_keys_that_are_not_those_of_the_worlds_store_are_refused(
    tmp_path: Path, given: dict[str, str], told: str
) -> None:
    credentials.refuse_others(made("process", tmp_path, access_key="given-x", secret_key="given-y"))  # it has none yet
    credentials.ensure(made("process", tmp_path, access_key="given-a", secret_key="given-b"), trainer=True)
    with pytest.raises(SamerunError, match=told) if told else contextlib.nullcontext() as caught:
        credentials.refuse_others(made("process", tmp_path, **given))
    assert not caught or "given-" not in str(caught.value)


def test_given_keys_are_the_worlds_where_the_store_is_ours(tmp_path: Path) -> None:
    ours = made("process", tmp_path, access_key="given-a", secret_key="given-b")
    credentials.ensure(ours, trainer=True)
    assert credentials.require(ours).values == ("given-a", "given-b")
    first = credentials.for_runs(ours)
    assert first not in (None, Credentials("given-a", "given-b"))
    changed = dataclasses.replace(ours, access_key="given-c")
    assert credentials.ensure(changed, trainer=True)
    assert credentials.require(changed).values == ("given-c", "given-b")
    assert credentials.for_runs(changed) == first


def test_given_keys_of_somebody_elses_store_are_used_as_they_are(tmp_path: Path) -> None:
    theirs = made("docker", tmp_path, access_key="given-a", secret_key="given-b", endpoint="https://s3.example")
    credentials.ensure(theirs, trainer=False)
    assert credentials.for_runs(theirs) == Credentials("given-a", "given-b")
    with pytest.raises(SamerunError, match="it has none yet") as caught:
        credentials.ensure(made("docker", tmp_path / "other", endpoint="https://s3.example"), trainer=False)
    assert "object_store_access_key" in caught.value.hint


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    found = FakeCluster()
    monkeypatch.setattr(KubernetesHost, "cluster", found)
    return found


PAIR = {"access-key": OLD.access_key, "secret-key": OLD.secret_key}


def test_a_cluster_keeps_the_worlds_keys_out_of_the_namespace_of_runs(tmp_path: Path, cluster: FakeCluster) -> None:
    world = made("kubernetes", tmp_path)
    cluster.keep("training/r2-credentials", PAIR, world="w")
    assert credentials.for_runs(world) == OLD, "of a world from before, until the next up"
    assert credentials.ensure(world, trainer=True)
    found = credentials.require(world)
    assert found.values == OLD.values
    assert found.trainer
    assert found.trainer.access_key not in PAIR.values()
    assert set(cluster.secrets()) == {"training/r2-credentials", "storage/minio-keys"}
    assert not credentials.ensure(world, trainer=True)


def test_who_may_only_train_uses_what_runs_use(tmp_path: Path, cluster: FakeCluster) -> None:
    cluster.keep("training/r2-credentials", PAIR, world="w")
    cluster.fake.refuses["GET", "storage/secrets/minio-keys"] = ApiError(403, "Forbidden")
    assert credentials.for_runs(made("kubernetes", tmp_path)) == OLD


def test_a_secret_that_somebody_made_before_names_the_key_of_runs(tmp_path: Path, cluster: FakeCluster) -> None:
    world = made("kubernetes", tmp_path)
    cluster.keep("training/r2-credentials", PAIR)
    assert credentials.load(world) is None
    assert credentials.ensure(world, trainer=True)
    assert credentials.for_runs(world) == OLD
    assert credentials.require(world).access_key != OLD.access_key


def test_a_secret_of_somebody_else_with_the_name_of_ours_is_refused(tmp_path: Path, cluster: FakeCluster) -> None:
    cluster.keep("storage/minio-keys", PAIR)
    with pytest.raises(SamerunError, match="storage/minio-keys: it is not this world's"):
        credentials.load(made("kubernetes", tmp_path))


def test_a_secret_of_another_world_is_as_foreign_as_anybodys(tmp_path: Path, cluster: FakeCluster) -> None:
    cluster.keep("storage/minio-keys", PAIR, world="another")
    with pytest.raises(SamerunError, match="storage/minio-keys: it is not this world's") as caught:
        credentials.load(made("kubernetes", tmp_path))
    assert "object_store_name" in caught.value.hint
