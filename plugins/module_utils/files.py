# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes and locks files of the state folder: they are private, and readers never see half a file."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def private_folder(path: Path) -> Path:
    """Create `path` (0700) with its parents and return it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write_private(path: Path, content: bytes | str) -> bool:
    """Write `content` with mode 0600 in one atomic step; return whether anything changed."""
    data = content.encode() if isinstance(content, str) else content
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data and (path.stat().st_mode & 0o777) == 0o600:
            return False
    write_private_stream(path, [data])
    return True


def write_private_stream(path: Path, pieces: Iterable[bytes]) -> None:
    """As `write_private`, for content that comes in pieces."""
    private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.writelines(pieces)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def take_better(path: Path, pieces: Iterable[bytes], whole: int = -1) -> None:
    """Replace the file `path` by `pieces` if these are longer, or have exactly the expected `whole` bytes."""
    other = path.with_name(f".{path.name}.other")
    try:
        write_private_stream(other, pieces)
        size = other.stat().st_size
        if size > path.stat().st_size or size == whole:
            other.replace(path)
    finally:
        other.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`; empty if the file does not exist."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Any) -> bool:
    """Write `value` as JSON with mode 0600; return whether anything changed."""
    return write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` inside the block; others wait. The holder may remove the file."""
    while True:
        private_folder(path.parent)
        with contextlib.ExitStack() as stack:
            try:
                handle = stack.enter_context(open(path, "a"))
            except FileNotFoundError:
                continue  # another process has just removed the folder
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle.fileno(), path):
                yield
                return


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file `path`."""
    try:
        with open(path) as handle:
            # A shared lock: two processes that ask at the same moment do not see each other as a holder.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def remove_unlocked(path: Path) -> bool:
    """Remove the lock file `path` unless a living process holds it; return whether it is gone."""
    with contextlib.suppress(FileNotFoundError, BlockingIOError), open(path) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(handle.fileno(), path):
            path.unlink()
            return True
    return False


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file is still the file at `path`: it may have been removed meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
