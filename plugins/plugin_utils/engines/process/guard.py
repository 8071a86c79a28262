# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends processes that an earlier start of a service left behind, then starts the service.

A server whose parent was killed runs on and keeps its port, so a new server cannot start. Every process of a service
has a mark in its environment. Run as a program, this file ends all processes with the mark, then becomes the service.
It runs in the service's own venv.
"""

from __future__ import annotations

import os
import sys

import psutil

MARK = "SAMERUN_SERVICE"
_SECONDS = 5


def reap(mark: str) -> int:
    """End every process of this user that has `mark`, except this one; return how many there were."""
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
    os.execv(argv[1], argv[1:])  # noqa: S606 - becoming the service is the purpose


if __name__ == "__main__":
    main(sys.argv)
