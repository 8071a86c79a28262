# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds and kills all descendants of a process, even those with their own session or without their parent (Linux).

On other systems these functions find nothing.
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
    """Become the parent of every descendant whose own parent ends; see prctl(2), PR_SET_CHILD_SUBREAPER."""
    if libc := _libc():
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hear_of_the_parents_death(number: int) -> None:
    """Ask the kernel to send signal `number` to this process when its parent dies; 0 for none."""
    if libc := _libc():
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def dying_with(parent: int) -> Callable[[], None]:
    """Return a `preexec_fn` for a child, so that it is killed when `parent` dies; see PR_SET_PDEATHSIG."""
    libc = _libc()

    def prepare() -> None:
        if libc:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the call
                os.kill(os.getpid(), signal.SIGKILL)

    return prepare


def kill_all(root: int) -> None:
    """Kill and reap every descendant of `root`, which is this process, including those started meanwhile."""
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
    """Return the process ids of the descendants of `root`."""
    parents = _parents()
    below, added = {root}, True
    while added:
        fresh = {pid for pid, parent in parents.items() if parent in below} - below
        below |= fresh
        added = bool(fresh)
    return sorted(below - {root})


def _parents() -> dict[int, int]:
    """Map the id of every process to the id of its parent."""
    parents: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                    # The process name in brackets may contain anything, so read what follows the last bracket.
                    parents[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
    return parents


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
