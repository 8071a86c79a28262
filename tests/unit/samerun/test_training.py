"""A training that is watched: what is told in which order, and what becomes of several worlds."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.launch_folder import LaunchFolder
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from samerun import submitting, training
from samerun.interrupts import Cancelled
from samerun.request import Training
from samerun.resolving import Resolved
from samerun.silent import Silent
from samerun.variables import Variables

RECORD = RunRecord(
    launch="train-1", name="train", world="w", target="process", script="train.py", script_sha256="", bundle_sha256="",
    fingerprint="", contract={}, image="", tracking_uri="",
)  # fmt: skip


class Told(Silent):
    """All that a person would see, in order."""

    def __init__(self) -> None:
        super().__init__(lambda data: self.seen.append(data.decode()))
        self.seen: list[str] = []

    def enter(self, stage: str) -> None:
        self.seen.append(f"[{stage}]")

    def line(self, text: str) -> None:
        self.seen.append(text)

    def request(self, plan: Mapping[str, Any]) -> None:
        self.seen.append(str(dict(plan)))


class FakeTarget:
    def plan(self, spec: str) -> dict[str, Any]:
        return {"launch": spec}


@dataclasses.dataclass
class FakeWorld:
    runs: Path = Path("/state/runs")

    def folder(self, launch: str) -> LaunchFolder:
        return LaunchFolder(self.runs / launch)


class FakeLauncher:
    """Carries a launch out by what it was told to do: to show a log, to fail, or to be signalled."""

    target = FakeTarget()

    def __init__(self, name: str, show: Any, end: Any = RunState.FINISHED, number: int = 0) -> None:
        self.world = FakeWorld()
        self.name, self.show, self.end, self.number = name, show, end, number

    def spec(self, *, planning: bool = False) -> tuple[str, str]:
        return f"{self.name}{'?' if planning else ''}", "code"

    def run(self, spec: str, code: str, *, detach: bool, catching: Any) -> RunRecord:
        taken: list[int] = []
        with contextlib.nullcontext() if detach else catching(taken.append):
            if self.number:
                os.kill(os.getpid(), self.number)
            self.show(f"log of {spec}\n".encode())
        if isinstance(self.end, SamerunError):
            raise self.end
        ended = dataclasses.replace(RECORD, launch=spec, state=self.end, exit_code=0)
        return dataclasses.replace(ended, **vars(causes.cancelled(taken[0]))) if taken else ended


class Worlds:
    """An inventory of `worlds`, each of whose launches ends as is said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends: dict[str, Any] = {"one": RunState.FINISHED}
        self.number = 0
        self.settled: list[RunRecord] = []
        monkeypatch.setattr(submitting, "resolved", self.resolved)
        monkeypatch.setattr(submitting, "checked", self.checked)
        monkeypatch.setattr(collector, "collect", lambda _world: (self.settled, []))

    def resolved(self, *_given: object) -> list[Resolved]:
        return [Resolved({"name": name}, {}, [f"a warning of {name}"]) for name in self.ends]

    def checked(self, found: Resolved, _training: Training, _say: Any, show: Any) -> tuple[FakeLauncher, list[str]]:
        name = str(found.world["name"])
        return FakeLauncher(name, show, self.ends[name], self.number), [f"an override of {name}"]


@pytest.fixture
def worlds(monkeypatch: pytest.MonkeyPatch) -> Worlds:
    return Worlds(monkeypatch)


def train(told: Told, **given: Any) -> training.Trained:
    return training.train(Training("train.py"), "process", Variables(), told, **given)


def test_warnings_come_first_then_the_request_and_the_log(worlds: Worlds) -> None:
    worlds.settled = [dataclasses.replace(RECORD, launch="old", state=RunState.FAILED, reason="It died.")]
    trained = train(told := Told())
    assert told.seen == [
        "[Checking]", "a warning of one", "an override of one", "old ended unwatched: FAILED It died.",
        "[Training]", "{'launch': 'one'}", "log of one\n",
    ]  # fmt: skip
    assert [(record.launch, path) for record, path in trained.launches] == [("one", "/state/runs/one/record.json")]
    assert (trained.failure, trained.signal) == (None, 0)


def test_a_prediction_settles_and_starts_nothing(worlds: Worlds) -> None:
    worlds.settled = [RECORD]
    trained = train(told := Told(), checking=True)
    assert told.seen == [
        "[Checking]", "a warning of one", "an override of one", "[Training]", "{'launch': 'one?'}"
    ]  # fmt: skip
    assert trained.records == []


def test_a_launch_that_was_not_started_is_raised(worlds: Worlds) -> None:
    worlds.ends = {"one": SamerunError("Failed to start.", "Try again.", UNAVAILABLE)}
    with pytest.raises(SamerunError, match=r"Failed to start\."):
        train(Told())


def test_several_worlds_are_checked_before_one_begins_and_one_that_fails_stops_no_other(worlds: Worlds) -> None:
    worlds.ends = {"one": SamerunError("Failed to start."), "two": RunState.FINISHED, "three": RunState.FAILED}
    trained = train(told := Told())
    checked = [f"an override of {name}" for name in worlds.ends]
    assert told.seen[4:8] == [*checked, "[Training]"]
    assert [record.launch for record in trained.records] == ["two", "three"]
    assert trained.failure is not None
    assert trained.failure.message == "Failed to start."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_goes_to_the_launch_and_is_told(worlds: Worlds, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    worlds.number, worlds.ends = number, {"one": RunState.KILLED}
    trained = train(Told())
    assert trained.signal == number
    assert trained.records[0].reason == f"Cancelled by {number.name}."
    assert trained.failure is not None
    assert trained.failure.code == 128 + number
    assert signal.getsignal(number) == before


def test_a_signal_before_the_launch_ends_it_all(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "resolved", lambda *_given: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Cancelled) as cancelled:
        train(Told())
    assert cancelled.value.number == signal.SIGTERM


def test_a_launch_that_was_cancelled_and_then_not_started_was_cancelled(worlds: Worlds) -> None:
    worlds.number, worlds.ends = signal.SIGINT, {"one": SamerunError("Failed to start.")}
    with pytest.raises(Cancelled) as cancelled:
        train(Told())
    assert cancelled.value.number == signal.SIGINT
