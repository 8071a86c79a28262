"""Files come out of a container in pieces, and only those that are wanted."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.models import containers

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import files

LARGE = bytes(range(256)) * 2_000  # more than one piece


class Container(containers.Container):
    """One whose copy call answers a tar of the named files, in pieces of an odd size."""

    def __init__(self, content: dict[str, bytes], links: dict[str, str] | None = None) -> None:  # of no engine
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            for name, target in (links or {}).items():
                info = tarfile.TarInfo(name)
                info.type, info.linkname = tarfile.SYMTYPE, target
                tar.addfile(info)
        self._tar = out.getvalue()

    def get_archive(
        self, path: str, chunk_size: int | None = 2097152, encode_stream: bool = False
    ) -> tuple[Iterator[bytes], dict[str, Any]]:
        return (self._tar[at : at + 1000] for at in range(0, len(self._tar), 1000)), {}


@pytest.mark.parametrize("data", [b"", b"some", LARGE], ids=["empty", "small", "large"])
def test_a_file_comes_in_pieces(data: bytes) -> None:
    found = list(files.pieces(Container({"log.txt": data}), "/samerun/out/log.txt"))
    assert b"".join(found) == data
    assert max(map(len, found), default=0) <= 1 << 16


def test_only_what_is_wanted_is_copied(tmp_path: Path) -> None:
    tree = {"work/a.bin": LARGE, "work/deep/b.txt": b"b", "work/c.txt": b"c", "work/../evil.txt": b"e"}
    container = Container(tree, {"work/link.txt": "/etc/passwd"})
    seen: list[str] = []

    def wanted(names: Path) -> list[str]:
        seen.extend(sorted(str(path.relative_to(names)) for path in names.rglob("*") if path.is_file()))
        return ["a.bin", "deep/b.txt"]

    files.copied(container, "/samerun/work", tmp_path / "copy", wanted)
    assert seen == ["a.bin", "c.txt", "deep/b.txt"]
    copied = {str(path.relative_to(tmp_path / "copy")) for path in (tmp_path / "copy").rglob("*") if path.is_file()}
    assert copied == {"a.bin", "deep/b.txt"}
    assert (tmp_path / "copy" / "a.bin").read_bytes() == LARGE
    assert not (tmp_path / "evil.txt").exists()
