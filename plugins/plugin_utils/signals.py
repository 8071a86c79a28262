# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ctrl+C and SIGTERM while somebody follows a launch."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

# Ansible sends its worker a SIGTERM right after the terminal's SIGINT: that is one wish, not two.
_ONE_WISH_SECONDS = 1.0


@contextlib.contextmanager
def passed_on(cancel: Callable[[int], None]) -> Iterator[None]:
    """Inside the block, pass each SIGINT and SIGTERM to `cancel` and go on; afterwards all is as it was.

    In a thread other than the main one nothing can be caught, and nothing is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last = 0.0

    def caught(number: int, _frame: Any) -> None:
        nonlocal last
        if time.monotonic() - last > _ONE_WISH_SECONDS:
            last = time.monotonic()
            cancel(number)

    before = {number: signal.signal(number, caught) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
