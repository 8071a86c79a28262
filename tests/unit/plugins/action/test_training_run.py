"""What a task of a training says of it: a plan in check mode, a record, or why it failed with its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import training_run
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeTarget:
    return fakes.target(monkeypatch, samples.world(tmp_path / "state"))


def act(folder: Path, *, check: bool = False, **given: Any) -> dict[str, Any]:
    world = samples.world_options(folder / "state", **samples.with_keys())
    script = samples.script(folder)
    options = {"world": world, "training": {"script": str(script), "always": True, **given}}
    return acting.act(training_run, options, check=check).result


def ends(monkeypatch: pytest.MonkeyPatch, **known: Any) -> RunRecord:
    """Every launch ends at once with a record of this."""
    record = samples.record(**known)
    monkeypatch.setattr(Launcher, "run", lambda *_given, **_named: record)
    return record


def test_check_mode_shows_the_plan_and_starts_nothing(tmp_path: Path, target: fakes.FakeTarget) -> None:
    found = act(tmp_path, check=True, args=[1, "two"])
    assert (found["changed"], found["plan"]) == (True, {"script": "train.py", "args": ["1", "two"]})
    assert target.asked == []
    assert not (tmp_path / "state").exists()


def test_a_launch_that_ended_well_is_its_record(
    tmp_path: Path, target: fakes.FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = ends(monkeypatch, state=RunState.FINISHED, exit_code=0)
    found = act(tmp_path)
    assert (found["changed"], found["record"]) == (True, record.as_dict())
    assert found["path"].endswith(f"{samples.LAUNCH}/record.json")


@pytest.mark.parametrize(
    "known, code",
    [
        ({"state": RunState.FAILED, "exit_code": 3, "reason": "train.py ended with exit code 3."}, 3),
        (
            {
                "state": RunState.KILLED,
                "exit_code": 9,
                "reason": "x",
                "cause": Cause.CANCELLED,
                "cancelled_by": "SIGTERM",
            },
            143,
        ),
    ],
)
def test_a_launch_that_failed_fails_the_task_with_its_exit_code_and_reason(
    tmp_path: Path, target: fakes.FakeTarget, monkeypatch: pytest.MonkeyPatch, known: dict[str, Any], code: int
) -> None:
    ends(monkeypatch, **known)
    found = act(tmp_path)
    assert (found["failed"], found["samerun_exit"]) == (True, code)
    assert found["msg"].startswith(f"Failed to train train.py ({samples.LAUNCH}): {known['reason']} Record: ")


def test_a_script_that_is_not_there_fails_the_task_before_anything_starts(
    tmp_path: Path, target: fakes.FakeTarget
) -> None:
    assert act(tmp_path, script=str(tmp_path / "none.py"))["failed"]
    assert target.asked == []
