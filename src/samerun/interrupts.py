"""Handles Ctrl+C and SIGTERM while a command runs."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from ansible_collections.samerun.stack.plugins.plugin_utils.plays.signals import SAME_SIGNAL_SECONDS


class Cancelled(KeyboardInterrupt):
    """A signal ended the command.

    Args:
        number: the number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def as_if_unseen(number: int) -> None:
    """Send a signal that the script received to the caller's own handler, after the script has ended."""
    if number and threading.current_thread() is threading.main_thread():
        signal.raise_signal(number)


class Interrupts:
    """Inside its block, calls `take` for each SIGINT and SIGTERM; afterwards, restores the handlers.

    Outside the main thread it catches nothing, since Python cannot. It does not catch signals that the caller ignores,
    nor those whose handler was not set by Python, since such a handler could not be restored.

    Attributes:
        first: the number of the first signal, 0 for none.
    """

    def __init__(self, take: Callable[[int], None]) -> None:
        self.first = 0
        self._take = take
        self._before: dict[int, Any] = {}

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
        self._take(number)


class ForLaunches:
    """Decides what a signal does while launches are started and followed.

    Before the first launch begins, a signal ends the command. From then on, it goes to every launch that is followed,
    and to every launch that begins later.
    """

    def __init__(self) -> None:
        self._takers: list[Callable[[int], None]] = []
        self._begun = False
        self._first = 0
        self._last = 0.0

    def take(self, number: int) -> None:
        """Pass signal `number` to all launches that are followed.

        Raises:
            Cancelled: no launch has begun.
        """
        if not self._begun:
            raise Cancelled(number)
        self._first = self._first or number
        now, before = time.monotonic(), self._last
        if not self._takers or (before and now - before <= SAME_SIGNAL_SECONDS):
            return
        self._last = now
        for taker in tuple(self._takers):
            taker(number)

    def begin(self) -> None:
        """From now on, pass signals to launches instead of ending the command."""
        self._begun = True

    @contextlib.contextmanager
    def passed_on(self, taker: Callable[[int], None]) -> Iterator[None]:
        """Inside the block, call `taker` for each signal; at once for one that came before the block."""
        self._takers.append(taker)
        self.begin()
        if self._first:
            taker(self._first)
        try:
            yield
        finally:
            self._takers.remove(taker)
