"""What outlived its shim is found by its launch, whoever its parent is by now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psutil
import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import processes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.names import LAUNCH


class FakeProcess(psutil.Process):
    """A process with this environment; None for somebody else's, which may not be read."""

    def __init__(self, launch: str | None) -> None:  # there is none
        self.launch = launch
        self.killed = False

    def environ(self) -> dict[str, str]:
        if self.launch is None:
            raise psutil.AccessDenied
        return {LAUNCH: self.launch} if self.launch else {}

    def kill(self) -> None:
        self.killed = True


def test_all_processes_of_a_launch_are_killed_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, others = [FakeProcess("x"), FakeProcess("x")], [FakeProcess("y"), FakeProcess(""), FakeProcess(None)]
    waited: list[FakeProcess] = []

    def iterated() -> Iterator[FakeProcess]:
        yield from (*others, *ours)

    def wait(found: Iterable[FakeProcess], timeout: float) -> None:
        waited.extend(found)

    monkeypatch.setattr(psutil, "process_iter", iterated)
    monkeypatch.setattr(psutil, "wait_procs", wait)
    assert processes.kill("x") == 2
    assert [process.killed for process in (*ours, *others)] == [True, True, False, False, False]
    assert waited == ours, "a launch has ended when all of it has"
