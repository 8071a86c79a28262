"""What is read from a process launch's folder, also where its shim or its submitter was killed."""

from __future__ import annotations

import os
import signal
import zipfile
from pathlib import Path

import pytest
import samples
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils import causes, files
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code import shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import private_mounts
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.process.target import ProcessTarget


@pytest.fixture
def target(tmp_path: Path) -> ProcessTarget:
    endpoint = Endpoint("x", "x", "process", "x", 1)
    return ProcessTarget(
        World(
            "w",
            "process",
            tmp_path,
            pair(endpoint),
            "bucket",
            "region",
            "access",
            "secret key",
        )
    )


LAUNCH = "the-launch"
MOUNTS = "Failed to show /a at /data to the script: this system allows no private mounts (x). Make a link instead: ln"


@pytest.mark.parametrize(
    "log, refusal, cause, reason",
    [
        (None, "", Cause.UNSTARTABLE, "It was submitted and never started: the command that submitted it died."),
        ("", "", Cause.UNSTARTABLE, "The run's interpreter ended before the run began, without a word."),
        (
            "one\n  no licence found.\n\n", "", Cause.UNSTARTABLE,
            "The run's interpreter ended before the run began: no licence found.",
        ),
        (f"samerun: {MOUNTS}\n", MOUNTS, Cause.REFUSED, MOUNTS),
    ],
)  # fmt: skip
def test_one_that_never_began_failed_and_its_last_line_says_why(
    target: ProcessTarget, log: str | None, refusal: str, cause: Cause, reason: str
) -> None:
    folder = target._folder("the-launch")
    if log is not None:
        (folder / "log.txt").write_text(log)
    if refusal:
        files.write_json(folder / private_mounts.REFUSAL, {"reason": refusal})
    ended = target.outcome("the-launch")
    assert ended is not None
    assert (ended.state, ended.exit_code, ended.cause, ended.reason) == (RunState.FAILED, None, cause, reason)
    assert ended.hint == "Its last lines say why."
    assert not ended.lost


@pytest.mark.parametrize("told", [causes.OUT_OF_MEMORY.facts, {"reason": causes.OUT_OF_MEMORY.reason}])
def test_one_that_ran_out_of_memory_is_told_what_helps_here(target: ProcessTarget, told: dict[str, str]) -> None:
    report = {"exit_code": 137, "state": "FAILED", "hint": "Raise memory in training_resources, or use less.", **told}
    files.write_json(target._folder(LAUNCH) / "report.json", report)
    ended = target.outcome(LAUNCH)
    assert ended is not None
    assert (ended.cause, ended.hint) == (Cause.OUT_OF_MEMORY, "Use less, or train where there is more.")


def test_one_that_began_and_left_nothing_was_killed(target: ProcessTarget) -> None:
    folder = target._folder("the-launch")
    (folder / "log.txt").write_text("one\n")
    (folder / "report.json.part").touch()
    ended = target.outcome("the-launch")
    assert ended is not None
    assert (ended.state, ended.lost, ended.cause) == (RunState.KILLED, True, Cause.TAKEN_AWAY)
    target.remove("the-launch")
    assert [path.name for path in folder.iterdir()] == ["log.txt"]


@pytest.fixture
def folder(target: ProcessTarget) -> Path:
    return target._folder(LAUNCH)


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


def test_byte_code_travels_to_an_interpreter_of_this_host(
    target: ProcessTarget, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = samples.spec(samples.world(folder.parent), launch=LAUNCH)
    request = {"instructions": "{}", "volumes": [], "argv": [], "env": {}}
    monkeypatch.setattr(target, "_request", lambda _spec, _secrets: request)
    monkeypatch.setattr(target, "_start", lambda *_given: None)
    target.submit(given, Bundle(b"", "", 0))
    with zipfile.ZipFile(folder / shim_archive.NAME) as archive:
        assert any(name.endswith("/shim.pyc") for name in archive.namelist())
