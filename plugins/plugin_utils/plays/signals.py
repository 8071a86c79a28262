# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handles Ctrl+C and SIGTERM while a task of a play follows a launch."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import descendants

# Ansible sends its worker a SIGTERM right after the terminal's SIGINT: the user wants to cancel once, not twice.
SAME_SIGNAL_SECONDS = 1.0

Take = Callable[[int], None]
# Inside its block, passes signals to the function `Take`.
Catching = Callable[[Take], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def passed_on(cancel: Take) -> Iterator[None]:
    """Inside the block, pass each SIGINT and SIGTERM to `cancel` and go on; then restore the handlers.

    Only the main thread can catch signals; in another thread this does nothing. A play passes only the first Ctrl+C to
    its worker; the second one ends the play. So after a Ctrl+C, the death of this process's parent counts as another.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last, parent = 0.0, os.getppid()

    def caught(number: int, _frame: Any) -> None:
        nonlocal last
        if time.monotonic() - last > SAME_SIGNAL_SECONDS or os.getppid() != parent:
            last = time.monotonic()
            if number == signal.SIGINT:
                descendants.hear_of_the_parents_death(signal.SIGINT)
            cancel(number)

    before = {number: signal.signal(number, caught) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        descendants.hear_of_the_parents_death(0)
        for number, handler in before.items():
            signal.signal(number, handler)
