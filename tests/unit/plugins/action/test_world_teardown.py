"""A world goes as a whole, unless a training still needs it."""

from __future__ import annotations

from pathlib import Path

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import world_teardown
from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import TEMPORARY, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import Teardown


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    found = fakes.host(monkeypatch, samples.world(tmp_path))
    found.torn_down = Teardown(["program minio"], ["network samerun, which somebody uses"])
    return found


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeTarget:
    return fakes.target(monkeypatch, samples.world(tmp_path))


def act(state: Path, *, check: bool = False, purge: bool = False) -> acting.Acted:
    return acting.act(world_teardown, {"world": samples.world_options(state), "purge": purge}, check=check)


def test_services_go_and_what_stays_is_said(tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget) -> None:
    (tmp_path / "runs").mkdir()
    done = act(tmp_path)
    assert done.result["removed"] == ["program minio"]
    assert done.said == ["Kept network samerun, which somebody uses"]
    assert (tmp_path / "runs").exists(), "without purge, records stay"


def test_a_purge_takes_data_and_records_too(tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget) -> None:
    (tmp_path / "runs").mkdir()
    assert act(tmp_path, purge=True).result["removed"][-1] == f"state folder {tmp_path}"
    assert "teardown with data" in host.asked
    assert fakes.absent(tmp_path)


def test_a_training_that_goes_on_keeps_the_world(
    tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget
) -> None:
    target.add()
    found = act(tmp_path).result
    assert (found["failed"], found["samerun_exit"]) == (True, TEMPORARY)
    assert f"{samples.LAUNCH} still goes on" in found["msg"]
    assert host.asked == ["check"]


def test_check_mode_removes_nothing(tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget) -> None:
    assert act(tmp_path, check=True).result["skipped"]
    assert host.asked == ["check"]


@pytest.mark.parametrize("away", [False, True])
def test_what_launches_left_on_other_targets_goes_unless_their_engine_is_away(
    tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    there = fakes.target(monkeypatch, samples.world(tmp_path), "docker")
    there.problem = SamerunError("Failed to talk to Docker.", "", UNAVAILABLE) if away else None
    world, record = samples.world(tmp_path), samples.record(target="docker")
    files.write_json(world.folder(record.launch).record, record.as_dict())
    done = act(tmp_path)
    assert done.result["removed"] == ["program minio", *([] if away else ["what docker shares"])]
    assert bool(done.warned) is away
    assert there.asked == ["close"]
