# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts a service as a process, after ending what an earlier start of the same service left behind.

A server whose parent was killed goes on without it and holds its port, so that the next one cannot start. Every
process of a service carries its mark in the environment; this file, run as a program, ends those that are left and
becomes the service. It runs in the service's own venv.
"""

from __future__ import annotations

import os
import sys

import psutil

MARK = "SAMERUN_SERVICE"
_SECONDS = 5


def reap(mark: str) -> int:
    """End every process of this user that carries `mark`, but not this one; return how many there were."""
    found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _carries(process, mark)]
    for process in found:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(found, timeout=_SECONDS)
    return len(found)


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return bool(process.environ().get(MARK) == mark)
    except (psutil.Error, OSError):
        return False


def main(argv: list[str]) -> None:
    reap(os.environ[MARK])
    os.execv(argv[1], argv[1:])  # noqa: S606 - this is what the file is for


if __name__ == "__main__":
    main(sys.argv)
