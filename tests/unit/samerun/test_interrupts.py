"""Signals reach who trains, once each, and nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from samerun.interrupts import Interrupts, as_if_unseen

PROGRAM = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM):  # no print: it may come while "ready" is being printed
    signal.signal(number, lambda number, _frame: (os.write(1, b"%d" % number), sys.exit()))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def children() -> Iterator[list[subprocess.Popen[str]]]:
    """Two processes that tell the first signal they get."""
    found = [subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for child in found:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    yield found
    for child in found:
        child.kill()
        child.communicate()


def told(child: subprocess.Popen[str]) -> str:
    return child.communicate(timeout=10)[0].strip()


def test_handlers_are_afterwards_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_play_without_a_run_gets_sigint_whatever_came(children: list[subprocess.Popen[str]]) -> None:
    with Interrupts() as interrupts:
        interrupts.reach(children[0].pid)
        os.kill(os.getpid(), signal.SIGTERM)
    assert told(children[0]) == str(int(signal.SIGINT))
    assert interrupts.first == signal.SIGTERM


def test_a_run_gets_the_signal_itself_and_its_play_none(children: list[subprocess.Popen[str]]) -> None:
    play, run = children
    with Interrupts() as interrupts:
        interrupts.reach(play.pid)
        interrupts.reach(run.pid)
        os.kill(os.getpid(), signal.SIGTERM)
    assert told(run) == str(int(signal.SIGTERM))
    assert play.poll() is None


def test_the_play_is_reached_again_once_the_run_is_gone(children: list[subprocess.Popen[str]]) -> None:
    play, run = children
    run.kill()
    run.wait()
    with Interrupts() as interrupts:
        interrupts.reach(play.pid)
        interrupts.reach(run.pid)
        os.kill(os.getpid(), signal.SIGINT)
    assert told(play) == str(int(signal.SIGINT))


def test_a_signal_that_came_too_early_is_passed_on(children: list[subprocess.Popen[str]]) -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        interrupts.reach(children[0].pid)
    assert told(children[0]) == str(int(signal.SIGINT))


def test_other_threads_catch_nothing() -> None:
    found = []

    def enter() -> None:
        with Interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]


def test_what_the_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert interrupts.first == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_that_went_to_the_script_reaches_the_callers_handler_afterwards() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), signal.SIGTERM)
        assert seen == []
        as_if_unseen(interrupts.first)
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
