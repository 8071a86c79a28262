"""The counter that judges other tests finds what they leave, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from counting import Counter, Kept, Processes

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# Starts what the last arguments say in a session of its own, tells its number and ends.
FORKS = """
import subprocess, sys
nothing = subprocess.DEVNULL
print(subprocess.Popen(sys.argv[1:], stdout=nothing, stderr=nothing, start_new_session=True).pid)
"""


@pytest.fixture
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counter:
    monkeypatch.setenv(Processes.VARIABLE, "")  # so that it is afterwards as it was
    found = Counter([Processes(tmp_path)])
    found.begin()
    return found


@pytest.fixture
def run_away(tmp_path: Path, counter: Counter) -> Iterator[list[int]]:
    """The number of a process that is no child of anybody here any more."""
    environ = {**os.environ, "SAMERUN_LAUNCH": "lost-1"}
    done = subprocess.run([sys.executable, "-c", FORKS, *SLEEP], env=environ, capture_output=True, check=True)
    pid = int(done.stdout)
    yield [pid]
    psutil.Process(pid).kill()


def test_a_child_is_found_and_named_until_it_ends(counter: Counter) -> None:
    with subprocess.Popen(SLEEP) as child:
        (left,) = counter.left(0)
        assert left == f"process {child.pid}: {' '.join(SLEEP)}"
        child.kill()
    assert counter.left(0) == []


def test_a_process_that_ran_away_is_found_with_its_launch(counter: Counter, run_away: list[int]) -> None:
    assert counter.left(0) == [f"process {run_away[0]} of launch lost-1: {' '.join(SLEEP)}"]


def test_what_was_told_once_is_not_told_again(counter: Counter, run_away: list[int]) -> None:
    assert len(counter.left(0)) == 1
    assert counter.left(0) == []


def test_what_was_there_before_is_not_left(counter: Counter, run_away: list[int]) -> None:
    counter.begin()
    assert counter.left(0) == []


def test_what_ends_soon_is_not_left(counter: Counter) -> None:
    with subprocess.Popen(SLEEP) as child:

        def end() -> None:
            child.kill()
            child.wait()

        timer = threading.Timer(0.3, end)
        timer.start()
        assert counter.left(20) == []
        timer.join()


def test_services_of_a_world_that_is_kept_are_not_left_and_those_of_another_are(
    tmp_path: Path, counter: Counter
) -> None:
    state = tmp_path / "state"
    argv = [*SLEEP, f"{state}/services/supervisord.conf"]
    environ = {"PATH": os.environ["PATH"]}  # as those have nothing of the caller's
    done = subprocess.run([sys.executable, "-c", FORKS, *argv], env=environ, capture_output=True, check=True)
    try:
        with counter.keeping(Kept("shared", state, lambda: Tracking(""))):
            assert counter.left(0) == []
        assert len(counter.left(0)) == 1
    finally:
        psutil.Process(int(done.stdout)).kill()
