"""Ctrl+C and SIGTERM while a command goes on."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from ansible_collections.samerun.stack.plugins.plugin_utils.plays.signals import ONE_WISH_SECONDS


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
    """Hands SIGINT and SIGTERM to `take` while it is entered; afterwards the handlers are as they were.

    In a thread other than the main one nothing can be caught, and nothing is; nor is a signal that the caller ignores,
    or one whose handler Python could not put back.

    Attributes:
        first: the first signal that came, 0 for none.
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
    """What a signal means while launches are started and followed.

    Before the first launch begins, it ends the command. From then on it goes to every launch that is followed, and to
    each that begins later.
    """

    def __init__(self) -> None:
        self._takers: list[Callable[[int], None]] = []
        self._begun = False
        self._first = 0
        self._last = 0.0

    def take(self, number: int) -> None:
        """Take a signal.

        Raises:
            Cancelled: no launch has begun.
        """
        if not self._begun:
            raise Cancelled(number)
        self._first = self._first or number
        now, before = time.monotonic(), self._last
        if not self._takers or (before and now - before <= ONE_WISH_SECONDS):
            return
        self._last = now
        for taker in tuple(self._takers):
            taker(number)

    def begin(self) -> None:
        """From now on signals are the launches'."""
        self._begun = True

    @contextlib.contextmanager
    def passed_on(self, taker: Callable[[int], None]) -> Iterator[None]:
        """Inside the block, hand each signal to `taker`, and first the one that came before."""
        self._takers.append(taker)
        self.begin()
        if self._first:
            taker(self._first)
        try:
            yield
        finally:
            self._takers.remove(taker)
