from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a sleeper that carries a mark."""
    started: list[subprocess.Popen[bytes]] = []

    def run(mark: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"],
            env={**os.environ, guard.MARK: mark},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()  # its environment is its own from here on
        started.append(child)
        return child

    yield run
    for child in started:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_what_carries_the_mark_is_ended_and_nothing_else(start: Start, tmp_path: Path) -> None:
    mine, other = start(str(tmp_path)), start(f"{tmp_path}-other")
    assert guard.reap(str(tmp_path)) == 1
    assert not psutil.pid_exists(mine.pid)
    assert other.poll() is None


def test_who_reaps_is_not_reaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(guard.MARK, str(tmp_path))
    assert guard.reap(str(tmp_path)) == 0
    assert psutil.pid_exists(os.getpid())


def test_as_a_program_it_clears_the_way_and_becomes_the_service(start: Start, tmp_path: Path) -> None:
    old = start(str(tmp_path))
    service = [sys.executable, "-c", "import os, sys; print(os.getpid(), sys.argv[1])", "an argument"]
    with subprocess.Popen(
        [sys.executable, guard.__file__, *service],
        env={**os.environ, guard.MARK: str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        printed, _ = started.communicate(timeout=30)
    assert printed == f"{started.pid} an argument\n"
    old.wait(10)  # it ends long before its minute is over
