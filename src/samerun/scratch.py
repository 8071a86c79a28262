"""Makes a private folder for one play, and removes it afterwards, even if the command was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "samerun-play-"
_FRESH_SECONDS = 60


@contextlib.contextmanager
def scratch() -> Iterator[tuple[Path, int]]:
    """Remove the folders that killed commands left, make a new one (0700), and remove it at the end.

    Yields:
        The folder, and a file handle that locks it. The folder stays while a process that inherited the handle runs.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder, lock
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            # A new folder may not be locked yet.
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < _FRESH_SECONDS:
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
