"""What was trained is not trained again, whoever trained it, unless its MLflow run is gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import samples
import trackers

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import MlflowRun, RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import history
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import tracking

SAME = "f1" * 32


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


@pytest.fixture
def world(tmp_path: Path, server: trackers.Tracker) -> World:
    return samples.world(tmp_path, mlflow={"endpoint": server.url})


def kept(world: World, launch: str = samples.LAUNCH, **given: Any) -> RunRecord:
    """A record of this host of a launch that ended well, unless `given` says otherwise."""
    known = {"state": RunState.FINISHED, "fingerprint": SAME, "started_at": "2026-01-01T00:00:00Z"}
    record = replace(samples.record(launch), **{**known, **given})
    files.write_json(world.folder(launch).record, record.as_dict())
    return record


def test_the_newest_finished_launch_of_the_same_is_found(world: World) -> None:
    kept(world)
    newest = kept(world, "train-newest", started_at="2026-02-01T00:00:00Z")
    kept(world, "train-failed", state=RunState.FAILED, started_at="2026-03-01T00:00:00Z")
    kept(world, "train-other", fingerprint="other", started_at="2026-03-01T00:00:00Z")
    assert history.finished(world, SAME) == newest
    assert history.finished(world, "nothing like it") is None


@pytest.mark.parametrize("lifecycle, found", [("active", True), ("deleted", False)])
def test_a_launch_whose_run_was_deleted_does_not_count(
    world: World, server: trackers.Tracker, monkeypatch: pytest.MonkeyPatch, lifecycle: str, found: bool
) -> None:
    kept(world, mlflow_runs=[MlflowRun("r", "e", "FINISHED")])
    answered = {"run": {"info": {"lifecycle_stage": lifecycle}}}
    monkeypatch.setattr(tracking.Tracking, "call", lambda _server, _path, *_body, **_query: answered)
    monkeypatch.setattr(tracking.Tracking, "runs", lambda _server, _filter: [])
    assert (history.finished(world, SAME) is not None) is found


def test_a_launch_of_another_machine_is_known_by_mlflow_alone(world: World, server: trackers.Tracker) -> None:
    run = trackers.run("r", "FINISHED")
    run["data"]["tags"] = [{"key": tracking.LAUNCH_TAG, "value": "train-elsewhere"}]
    server.runs = [run]
    found = history.finished(world, SAME)
    assert found is not None
    assert (found.launch, found.state, [run.run_id for run in found.mlflow_runs]) == (
        "train-elsewhere", RunState.FINISHED, ["r"],
    )  # fmt: skip


def test_an_mlflow_that_does_not_answer_decides_nothing(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1"
    with pytest.raises(SamerunError, match=f"Failed to ask MLflow at {nowhere} what was trained") as caught:
        history.finished(samples.world(tmp_path, mlflow={"endpoint": nowhere}), SAME)
    assert caught.value.code == UNAVAILABLE
