# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies files from a container, running or not: reads the tar stream of the engine's copy call."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

_PIECE = 1 << 16


def pieces(container: Any, path: str) -> Iterator[bytes]:
    """Yield the content of the file at `path` in pieces.

    Raises:
        docker.errors.NotFound: the file does not exist.
    """
    for _name, content in _members(container, path):
        yield from iter(lambda content=content: content.read(_PIECE), b"")  # type: ignore[misc] # bound by its default


def copied(container: Any, path: str, into: Path, wanted: Callable[[Path], Iterable[str]]) -> None:
    """Copy the wanted files of the folder at `path` into the folder `into`.

    The folder is read twice: the first pass reads names only, since the unwanted files may be large.

    Args:
        wanted: returns the names of the files to copy. It gets a folder that has every file, all empty.
    """
    names = into.with_name(f"{into.name}.names")
    for name, _content in _members(container, path):
        (names / name).parent.mkdir(parents=True, exist_ok=True)
        (names / name).touch()
    chosen = set(wanted(names)) if names.exists() else set()
    for name, content in _members(container, path) if chosen else ():
        if name in chosen:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            with open(into / name, "wb") as copy:
                shutil.copyfileobj(content, copy, _PIECE)


def _members(container: Any, path: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name (relative to `path`) and content of each file; read the content before the next file."""
    stream, _stat = container.get_archive(path)
    with contextlib.closing(stream), tarfile.open(fileobj=_Stream(stream), mode="r|") as tar:  # type: ignore[call-overload] # it only reads
        for member in tar:
            parts = PurePosixPath(member.name).parts[1:]
            if member.isfile() and ".." not in parts and (content := tar.extractfile(member)):
                yield "/".join(parts), content


class _Stream:
    """A file to read, made from an iterator of pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int) -> bytes:
        found = [self._rest]
        length = len(self._rest)
        while length < size and (piece := next(self._pieces, b"")):
            found.append(piece)
            length += len(piece)
        whole = b"".join(found)
        self._rest = whole[size:]
        return whole[:size]
