# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that a process starts, also what took a session of its own or lost its parent (Linux).

This file travels with a launch, see shim.py. Elsewhere than on Linux its functions find nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from typing import Any, Callable

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SECONDS = 5.0


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own; see prctl(2), PR_SET_CHILD_SUBREAPER."""
    if libc := _libc():
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hear_of_the_parents_death(number: int) -> None:
    """Get signal `number` when the parent dies, 0 for none."""
    if libc := _libc():
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def dying_with(parent: int) -> Callable[[], None]:
    """What a child calls before it becomes its program, so that it is killed when `parent` is; see PR_SET_PDEATHSIG."""
    libc = _libc()

    def prepare() -> None:
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # it died meanwhile
                os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def kill_all(root: int) -> None:
    """Kill every descendant of `root`, which is this process, and reap them; a new one is found too."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        for pid in found(root):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return


def found(root: int) -> list[int]:
    """The descendants of `root`."""
    parents = _parents()
    below, added = {root}, True
    while added:
        fresh = {pid for pid, parent in parents.items() if parent in below} - below
        below |= fresh
        added = bool(fresh)
    return sorted(below - {root})


def _parents() -> dict[int, int]:
    """Process id to that of its parent."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                    # The name, in brackets, may hold anything: what follows its last bracket counts.
                    parents[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
    return parents


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
