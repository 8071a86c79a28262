"""The contract is left for those who come later, with a warning of what runs will not be able to use."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import world_contract
from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.world import external, mlflow, published


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    monkeypatch.setattr(mlflow, "unwritable", lambda _world: [])
    return fakes.host(monkeypatch, samples.world(tmp_path))


def act(state: Path, *, check: bool = False, **given: Any) -> acting.Acted:
    world = samples.world_options(state, **{**samples.with_keys(), **given})
    return acting.act(world_contract, {"world": world}, check=check)


def test_it_is_written_once_and_says_where_services_are(tmp_path: Path) -> None:
    found = act(tmp_path).result
    assert (found["changed"], found["urls"]) == (
        True, {"mlflow": "http://localhost:5000", "object_store": "http://localhost:9000"},
    )  # fmt: skip
    assert files.read_json(published.contract_path(tmp_path))["MLFLOW_TRACKING_URI"] == "http://localhost:5000"
    assert not act(tmp_path).result["changed"]


def test_check_mode_writes_nothing(tmp_path: Path, host: fakes.FakeHost) -> None:
    assert act(tmp_path, check=True).result["changed"]
    assert fakes.absent(tmp_path)
    assert host.asked == ["compare what is published"]


def test_check_mode_predicts_a_contract_of_keys_that_are_still_to_be_made(tmp_path: Path) -> None:
    assert act(tmp_path, check=True, object_store={}).result["changed"]


def test_experiments_of_the_other_mode_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "unwritable", lambda _world: ["old", "older"])
    (line,) = act(tmp_path).warned
    assert "in mode direct to experiments that were made in the other one: old, older" in line


def test_a_foreign_mlflow_that_is_away_is_warned_of_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_world: World) -> list[str]:
        raise urllib.error.URLError("refused")

    def probe(_world: World) -> None:
        raise probes.ProbeError("Failed to reach MLflow.", "Is it up?")

    monkeypatch.setattr(mlflow, "unwritable", away)
    monkeypatch.setitem(external._PROBES, "mlflow", probe)
    done = act(tmp_path, mlflow={"endpoint": "http://there:5000"})
    assert done.warned == ["Failed to reach MLflow. Is it up?"]
    assert done.result["changed"]
