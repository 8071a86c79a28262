"""Ctrl+C and SIGTERM reach a launch once each, and everything is afterwards as it was."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.plays import signals
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import descendants

NUMBERS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def parents(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which signals this process wanted to have of its parent's death."""
    wanted: list[int] = []
    monkeypatch.setattr(descendants, "hear_of_the_parents_death", wanted.append)
    return wanted


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now[0])
        yield now


def test_each_signal_is_passed_on_and_handlers_are_put_back(parents: list[int], clock: list[float]) -> None:
    before = [signal.getsignal(number) for number in NUMBERS]
    got: list[int] = []
    with signals.passed_on(got.append):
        signal.raise_signal(signal.SIGINT)
        clock[0] += 2
        signal.raise_signal(signal.SIGTERM)
    assert got == [signal.SIGINT, signal.SIGTERM]
    assert [signal.getsignal(number) for number in NUMBERS] == before
    assert parents == [signal.SIGINT, 0], "after a Ctrl+C the death of the play is one more"


def test_the_sigterm_that_ansible_sends_after_a_ctrl_c_is_the_same_wish(parents: list[int], clock: list[float]) -> None:
    got: list[int] = []
    with signals.passed_on(got.append):
        signal.raise_signal(signal.SIGINT)
        clock[0] += 0.1
        signal.raise_signal(signal.SIGTERM)
    assert got == [signal.SIGINT]


def test_in_another_thread_nothing_is_caught(parents: list[int]) -> None:
    before = signal.getsignal(signal.SIGINT)
    during: list[object] = []

    def follow() -> None:
        with signals.passed_on(lambda _number: None):
            during.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=follow)
    thread.start()
    thread.join(10)
    assert during == [before]
    assert parents == []
