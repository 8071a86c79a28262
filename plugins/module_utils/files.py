# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files of the state folder: private, and never half written."""

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
    """Write `content` with mode 0600, whole or not at all; return whether anything changed."""
    data = content.encode() if isinstance(content, str) else content
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data and (path.stat().st_mode & 0o777) == 0o600:
            return False
    write_private_stream(path, [data])
    return True


def write_private_stream(path: Path, pieces: Iterable[bytes]) -> None:
    """As `write_private`, for what comes in pieces."""
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
    """Replace `path` by `pieces` if these are more, or just the `whole` bytes that there should be."""
    other = path.with_name(f".{path.name}.other")
    try:
        write_private_stream(other, pieces)
        size = other.stat().st_size
        if size > path.stat().st_size or size == whole:
            other.replace(path)
    finally:
        other.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; empty where there is no such file."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Any) -> bool:
    """Write `value` as JSON, privately; return whether anything changed."""
    return write_private(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; others wait. Who holds it may remove it."""
    while True:
        private_folder(path.parent)
        with contextlib.ExitStack() as stack:
            try:
                handle = stack.enter_context(open(path, "a"))
            except FileNotFoundError:
                continue  # somebody has just removed the folder
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle.fileno(), path):
                yield
                return


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file `path`."""
    try:
        with open(path) as handle:
            # Shared: two that ask at once do not take each other for a holder.
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
    """Whether the open file is still the one at `path`, and not one that was removed meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
