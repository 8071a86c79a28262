"""Searches for a secret in every place where it must not be."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, quote_plus

import psutil

_PAUSE = 0.04  # seconds
_YOUNG, _SELDOM = 25, 25  # scans: a process is scanned each time for a second, later once a second


def shapes(secret: str) -> list[bytes]:
    """The secret itself, as JSON and URLs write it, and its part of longer base64 at each of the three alignments."""
    raw = secret.encode()
    found = [raw, json.dumps(secret)[1:-1].encode(), quote_plus(secret).encode()]
    found += [quote(secret, safe=safe).encode() for safe in ("", "/")]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        # The first and last characters mix with the neighbours' bits.
        found.append(encoded[4 if before else 0 : len(encoded) - 4])
    return found


def hits(text: str | bytes, secrets: Iterable[str]) -> list[str]:
    """Return the secrets that are in `text` in any shape; only their first characters are shown."""
    data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
    return [secret[:4] + "..." for secret in secrets if any(shape in data for shape in shapes(secret))]


def in_files(folder: Path, secrets: Iterable[str]) -> dict[Path, list[str]]:
    """Return the files below `folder` that contain a secret; files that are removed meanwhile are ignored."""
    secrets, found = list(secrets), {}
    for path in _files(folder):
        with contextlib.suppress(OSError):
            if there := hits(path.read_bytes(), secrets):
                found[path] = there
    return found


def _files(folder: Path) -> Iterator[Path]:
    for root, _folders, names in os.walk(folder):
        yield from (path for name in names if (path := Path(root) / name).is_file())


class Watch:
    """Scans the command lines of all processes and the files in `folders`, inside its block.

    Attributes:
        programs: the first words of every command line.
        files: how many files were read.
        found: the places where a secret was found.
    """

    def __init__(self, secrets: Iterable[str], folders: Iterable[Path]) -> None:
        self.programs: set[str] = set()
        self.files = 0
        self.found: set[str] = set()
        self._secrets = list(secrets)
        self._folders = list(folders)
        self._read: set[tuple[Path, int, int]] = set()
        self._known: dict[int, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._search, daemon=True)

    def add(self, secrets: Iterable[str]) -> None:
        """Search for these secrets too, from now on."""
        self._secrets = [*self._secrets, *secrets]

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _search(self) -> None:
        while not self._over.wait(_PAUSE):
            self._at_processes()
            for folder in self._folders:
                self._at_files(folder)

    def _at_processes(self) -> None:
        pids = psutil.pids()
        # A process may exec another program soon after its start, but rarely later.
        self._known = {pid: self._known.get(pid, 0) + 1 for pid in pids}
        for pid, times in self._known.items():
            if times > _YOUNG and times % _SELDOM:
                continue
            with contextlib.suppress(psutil.Error):
                words = psutil.Process(pid).cmdline()
                self.programs |= {Path(word).name for word in words[:2]}
                if there := hits("\0".join(words), self._secrets):
                    self.found.add(f"{there} in the command line of {words[0]}")

    def _at_files(self, folder: Path) -> None:
        for path in _files(folder):
            with contextlib.suppress(OSError):
                about = path.stat()
                version = (path, about.st_mtime_ns, about.st_size)
                if version in self._read:
                    continue
                self._read.add(version)
                self.files += 1
                if there := hits(path.read_bytes(), self._secrets):
                    self.found.add(f"{there} in {path}")
