"""The world's MLflow as the controller asks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import samples
import trackers

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


def world(state: Path, server: trackers.Tracker, mode: str = "direct") -> World:
    return samples.world(state, mlflow={"endpoint": server.url, "artifact_mode": mode})


@pytest.mark.parametrize("mode", ["direct", "proxied"])
def test_only_where_runs_write_through_mlflow_it_is_given_an_artifact(
    tmp_path: Path, server: trackers.Tracker, mode: str
) -> None:
    mlflow.probe(world(tmp_path, server, mode))
    assert bool(server.artifacts) is (mode == "proxied")


def test_one_that_refuses_is_told(tmp_path: Path, server: trackers.Tracker) -> None:
    server.refusal = (403, "who are you?")
    with pytest.raises(probes.ProbeError):
        mlflow.probe(world(tmp_path, server))


def test_what_is_put_lies_in_the_store_behind_it(tmp_path: Path, server: trackers.Tracker) -> None:
    mlflow.put(world(tmp_path, server, "proxied"), "the/key", b"content")
    ((path, content),) = server.artifacts.items()
    assert (path.endswith("/the/key"), content) == (True, b"content")


def test_what_it_does_not_take_is_told_with_the_next_step(
    tmp_path: Path, server: trackers.Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_artifacts: keeping.Artifacts, name: str, _content: bytes) -> None:
        raise keeping.KeepingError(f"{name}: 500")

    monkeypatch.setattr(keeping.Artifacts, "put", refuse)
    with pytest.raises(SamerunError, match=f"Failed to put the/key through MLflow at {server.url}: the/key: 500"):
        mlflow.put(world(tmp_path, server, "proxied"), "the/key", b"")


@pytest.mark.parametrize("mode, names", [("direct", ["proxied"]), ("proxied", ["direct", "older"])])
def test_experiments_of_the_other_mode_cannot_be_written(
    tmp_path: Path, server: trackers.Tracker, monkeypatch: pytest.MonkeyPatch, mode: str, names: list[str]
) -> None:
    made = {"older": "s3://b/0", "direct": "s3://b/1", "proxied": "mlflow-artifacts:/2", "file": "/srv/3"}
    monkeypatch.setattr(tracking.Tracking, "experiment_locations", lambda _server: made)
    assert mlflow.unwritable(world(tmp_path, server, mode)) == names
