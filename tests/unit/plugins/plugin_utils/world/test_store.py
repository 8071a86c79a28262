"""The world's store as the controller uses it: a bucket made once, code put once, refusals in one line."""

from __future__ import annotations

from pathlib import Path

import fakes
import fakes_s3
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow, store

CODE = Bundle(b"the code", "b0" * 32, 1)
KEY = f".samerun/code/{'b0' * 32}.tar.gz"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, **samples.with_keys())


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> fakes_s3.FakeS3:
    found = fakes_s3.FakeS3("mlflow-artifacts")
    monkeypatch.setattr(store, "client", lambda _world, _keys=None: found)
    return found


def test_a_bucket_is_made_once(world: World, s3: fakes_s3.FakeS3) -> None:
    s3.buckets.clear()
    assert store.ensure_bucket(world, change=False)
    assert s3.asked == []
    assert [store.ensure_bucket(world) for _ in range(2)] == [True, False]
    assert s3.asked == ["create mlflow-artifacts"]


def test_a_store_that_refuses_is_told_in_one_line(world: World, s3: fakes_s3.FakeS3) -> None:
    s3.refuses = "InvalidAccessKeyId"
    for ask in (lambda: store.ensure_bucket(world), lambda: store.put_code(world, CODE)):
        with pytest.raises(SamerunError, match="does not know the access key") as caught:
            ask()
        assert caught.value.code == UNAVAILABLE
    assert s3.asked == []


def test_the_same_code_is_put_once(world: World, s3: fakes_s3.FakeS3) -> None:
    assert [store.put_code(world, CODE) for _ in range(2)] == [KEY, KEY]
    assert s3.asked == [f"put {KEY}"]
    assert s3.kept["mlflow-artifacts", KEY] == b"the code"


def test_code_of_runs_without_keys_goes_through_mlflow(
    tmp_path: Path, s3: fakes_s3.FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[tuple[str, bytes]] = []
    monkeypatch.setattr(mlflow, "put", lambda _world, name, content: put.append((name, content)))
    store.put_code(samples.world(tmp_path, mlflow={"artifact_mode": "proxied"}), CODE)
    assert (put, s3.asked) == ([(KEY, b"the code")], [])


def test_a_world_without_keys_has_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = samples.world(tmp_path)
    fakes.host(monkeypatch, world)
    with pytest.raises(SamerunError, match="it has none yet") as caught:
        store.client(world)
    assert caught.value.code == CONFIG
