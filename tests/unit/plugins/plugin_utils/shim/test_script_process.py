"""Signals and the time limit of a script: who is told, who is killed, and what is counted as out of memory."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import descendants, script_process
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import Output
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_process import ScriptProcess

PID = 4242


class Signals:
    """What was sent instead of being sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[tuple[int, int]] = []
        self.alarms: list[int] = []
        monkeypatch.setattr(signal, "signal", lambda _number, _handler: None)
        monkeypatch.setattr(signal, "pthread_sigmask", lambda _how, _numbers: None)
        monkeypatch.setattr(signal, "alarm", self.alarms.append)
        monkeypatch.setattr(descendants, "adopt_orphans", lambda: None)
        monkeypatch.setattr(descendants, "found", lambda _root: [PID, PID + 1])
        monkeypatch.setattr(os, "kill", lambda pid, number: self.sent.append((pid, number)))
        monkeypatch.setattr(os, "killpg", lambda pid, number: self.sent.append((-pid, number)))


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> Signals:
    return Signals(monkeypatch)


def script(*, timeout: int = 0, note: str = "", pid: int = PID) -> ScriptProcess:
    """One that runs, or with no `pid` has not been started."""
    made = ScriptProcess(Output([], ""), timeout, grace=30, note=note)
    made._pid = pid
    return made


KILLED = {(PID, signal.SIGKILL), (PID + 1, signal.SIGKILL)}


def test_the_first_signal_reaches_the_script_which_has_its_grace(signals: Signals) -> None:
    running = script()
    running._pass_on(signal.SIGINT, None)
    assert (running.cancelled, signals.sent, signals.alarms) == (signal.SIGINT, [(-PID, signal.SIGINT)], [30])


def test_the_second_one_ends_all_that_it_started(signals: Signals) -> None:
    running = script()
    running._pass_on(signal.SIGINT, None)
    running._pass_on(signal.SIGINT, None)
    assert set(signals.sent[1:]) == KILLED


def test_a_script_that_is_being_started_is_told_once_it_is_there(signals: Signals) -> None:
    starting = script(pid=0)
    starting._starting = True
    starting._pass_on(signal.SIGTERM, None)
    assert (starting.cancelled, signals.sent) == (signal.SIGTERM, [])


def test_the_end_of_its_time_asks_first_and_kills_then(signals: Signals) -> None:
    running = script(timeout=10)
    running._deadline(signal.SIGALRM, None)
    assert (running.timed_out, signals.sent, signals.alarms) == (True, [(-PID, signal.SIGTERM)], [30])
    running._deadline(signal.SIGALRM, None)
    assert set(signals.sent[1:]) == KILLED


def test_a_signal_that_was_noted_before_it_came_is_one_signal(signals: Signals, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("15")
    running = script(note=str(tmp_path / "note"))
    assert running.cancelled == signal.SIGTERM
    running._pass_on(signal.SIGTERM, None)
    assert signals.sent == []
    running._pass_on(signal.SIGTERM, None)
    assert set(signals.sent) == KILLED


@pytest.mark.parametrize("text", ["", "SIGTERM"])
def test_a_note_that_is_none_cancels_nothing(signals: Signals, tmp_path: Path, text: str) -> None:
    (tmp_path / "note").write_text(text)
    assert script(note=str(tmp_path / "note")).cancelled == 0


@pytest.mark.parametrize("timeout, spent, over", [(0, 1000, False), (100, 10, False), (100, 100, True)])
def test_the_time_limit_counts_what_attempts_before_have_spent(
    signals: Signals, timeout: int, spent: float, over: bool
) -> None:
    running = script(timeout=timeout)
    assert running.spend(spent) is over
    assert running.timed_out is over


@pytest.mark.skipif(not Path("/proc/self/cgroup").exists(), reason="needs Linux: elsewhere nothing is counted")
def test_the_kernels_count_of_processes_that_it_killed_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = Path("/proc/self/cgroup").read_text().splitlines()
    kinds = [line.split(":", 2)[1] for line in groups]
    monkeypatch.setattr(script_process, "_KILLS", dict.fromkeys(kinds, (str(tmp_path), "memory.events")))
    assert script_process._out_of_memory_kills() == 0
    (tmp_path / "memory.events").write_text("low 0\noom 5\noom_kill 3\n")
    assert script_process._out_of_memory_kills() == 3
