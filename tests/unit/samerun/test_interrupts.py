"""Signals reach who trains, once each, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from samerun.interrupts import Cancelled, ForLaunches, Interrupts, as_if_unseen


def ignored(_number: int) -> None:
    """For signals that only have to be caught."""


def test_handlers_are_afterwards_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupts(ignored):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_a_launch_begins_a_signal_ends_the_command(number: signal.Signals) -> None:
    with Interrupts(ForLaunches().take) as interrupts:
        with pytest.raises(Cancelled) as cancelled:
            os.kill(os.getpid(), number)
        assert (cancelled.value.number, interrupts.first) == (number, number)


def test_a_launch_gets_the_signal_itself_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    seen: list[int] = []
    signals = ForLaunches()
    with Interrupts(signals.take), signals.passed_on(seen.append):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert seen == [signal.SIGTERM]
        now += 1.1
        os.kill(os.getpid(), signal.SIGINT)
    assert seen == [signal.SIGTERM, signal.SIGINT]


def test_launches_that_are_followed_at_once_all_get_it_and_so_does_a_late_one() -> None:
    seen: list[tuple[str, int]] = []
    signals = ForLaunches()
    with Interrupts(signals.take):
        with (
            signals.passed_on(lambda number: seen.append(("one", number))),
            signals.passed_on(lambda number: seen.append(("two", number))),
        ):
            os.kill(os.getpid(), signal.SIGTERM)
        with signals.passed_on(lambda number: seen.append(("late", number))):
            pass
    assert seen == [(name, signal.SIGTERM) for name in ("one", "two", "late")]


def test_a_signal_after_the_launch_is_only_noted() -> None:
    signals = ForLaunches()
    with Interrupts(signals.take) as interrupts:
        with signals.passed_on(lambda _number: None):
            pass
        os.kill(os.getpid(), signal.SIGINT)
    assert interrupts.first == signal.SIGINT


def test_other_threads_catch_nothing() -> None:
    found = []

    def enter() -> None:
        with Interrupts(ignored):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


def test_what_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts(ignored) as interrupts:
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert interrupts.first == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_that_went_to_the_script_reaches_the_callers_handler_afterwards() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    try:
        with Interrupts(ignored) as interrupts:
            os.kill(os.getpid(), signal.SIGTERM)
        assert seen == []
        as_if_unseen(interrupts.first)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
