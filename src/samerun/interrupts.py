"""Ctrl+C and SIGTERM while a play goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Cancelled(KeyboardInterrupt):
    """A signal ended what was going on.

    Args:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def as_if_unseen(number: int) -> None:
    """Hand a signal that went to the script to the caller's own handler, now that the script has ended."""
    if number and threading.current_thread() is threading.main_thread():
        signal.raise_signal(number)


class Interrupts:
    """Passes SIGINT and SIGTERM on while it is entered; afterwards the handlers are as they were.

    In a thread other than the main one nothing can be caught, and nothing is; nor is a signal that the caller ignores,
    or one whose handler Python could not put back.
    """

    def __init__(self) -> None:
        self.first = 0
        self._pids: list[int] = []
        self._before: dict[int, Any] = {}

    def reach(self, pid: int) -> None:
        """Pass signals on to `pid` from now on: to the last one that still lives."""
        self._pids.append(pid)
        if self.first:
            self._send(self.first)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _caught(self, number: int, _frame: FrameType | None) -> None:
        self.first = self.first or number
        self._send(number)

    def _send(self, number: int) -> None:
        for pid in reversed(self._pids):
            # The play itself wants SIGINT: SIGTERM ends it at once and leaves its workers alone.
            wanted = signal.SIGINT if pid == self._pids[0] else number
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, wanted)
                return
