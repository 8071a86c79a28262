"""The contract of a viewpoint, and whether its endpoints answer from here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import env_contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow, store


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(mlflow, "probe", lambda _world: found.append("MLflow"))
    monkeypatch.setattr(store, "probe", lambda _world: found.append("the S3 store"))
    return found


def result(state: Path, *, given: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    world = samples.world_options(state, **{**samples.with_keys(), **(given or {})})
    return acting.act(env_contract, {"world": world, **options}).result


def test_names_are_told_and_values_only_of_what_may_be_shown(tmp_path: Path, probed: list[str]) -> None:
    found = result(tmp_path)
    assert "AWS_SECRET_ACCESS_KEY" in found["names"]
    assert "AWS_SECRET_ACCESS_KEY" not in found["plain"]
    assert samples.KEYS.secret_key not in str(found)
    assert found["probed"] == probed == ["MLflow", "the S3 store"]


def test_addresses_are_those_of_the_viewpoint(tmp_path: Path) -> None:
    found = result(tmp_path, given={"target": "docker"}, viewpoint="container", probe=False)
    assert found["plain"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"


def test_nothing_is_asked_where_nobody_wants_it(tmp_path: Path, probed: list[str]) -> None:
    assert result(tmp_path, probe=False)["probed"] == probed == []


def test_a_store_that_runs_do_not_use_is_not_asked(tmp_path: Path, probed: list[str]) -> None:
    world = {"mlflow": {"endpoint": "http://there:5000", "artifact_mode": "proxied"}, "object_store": {"used": False}}
    assert result(tmp_path, given=world)["probed"] == probed == ["MLflow"]


def test_an_endpoint_that_does_not_answer_fails_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(_world: World) -> None:
        raise probes.ProbeError("Failed to reach MLflow.", "Start it.")

    monkeypatch.setattr(mlflow, "probe", probe)
    found = result(tmp_path)
    assert (found["failed"], found["msg"], found["samerun_exit"]) == (
        True, "Failed to reach MLflow. Start it.", UNAVAILABLE,
    )  # fmt: skip
