"""What the process target reads from a launch's folder, also where its shim or its submitter was killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.process import ProcessTarget

LAUNCH = "x-20260101-000000-abcd"


@pytest.fixture
def target(tmp_path: Path) -> ProcessTarget:
    nobody = Endpoint("x", "x", "process", "x", 1)
    return ProcessTarget(World("w", "process", tmp_path, nobody, nobody, "bucket", "region", "access", "secret key"))


@pytest.fixture
def folder(target: ProcessTarget) -> Path:
    return files.private_folder(target.world.runs / LAUNCH)


def test_attempts_of_a_shim_that_was_killed_are_counted(target: ProcessTarget, folder: Path) -> None:
    (folder / "report.json.part").touch()
    (folder / "report.json.attempts").write_text("2026-01-01T00:00:00.000Z\n2026-01-01T00:00:00.000Z\n")
    found = target.outcome(LAUNCH)
    assert found is not None
    assert (found.state, found.attempts, found.lost) == (RunState.KILLED, 2, True)


def test_a_launch_without_a_log_has_an_empty_one(target: ProcessTarget, folder: Path) -> None:
    assert (b"".join(target.follow(LAUNCH)), b"".join(target.log(LAUNCH))) == (b"", b"")


def test_a_shim_that_ends_while_it_is_cancelled_is_no_error(
    target: ProcessTarget, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_pid: int, _number: int) -> None:
        raise ProcessLookupError

    files.write_json(folder / "shim.json", {"pid": 1 << 30})
    monkeypatch.setattr(os, "kill", gone)
    monkeypatch.setattr(target, "outcome", lambda _launch: None)  # as it was a moment before
    target.cancel(LAUNCH, signal.SIGTERM)


def test_what_was_to_be_kept_is_taken_from_the_folder(target: ProcessTarget, folder: Path) -> None:
    (folder / "work" / "plots").mkdir(parents=True)
    (folder / "work" / "plots" / "one").touch()
    spec = {"work": str(folder / "work"), "bundle": str(folder / "bundle.tar.gz"), "outputs": ["plots"]}
    files.write_json(folder / "spec.json", {**spec, "keep_code": True})
    left = target.left(LAUNCH, folder)
    assert (left.code, left.outputs) == (spec["bundle"], (("plots/one", str(folder / "work" / "plots" / "one")),))
