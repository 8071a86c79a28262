"""An archive runs where nothing of ours is installed, and is the same for the same sources."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.code import archives

MAIN = "from one.two.three import answer\n\nprint(answer())\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "three.py"
    path.write_text("def answer():\n    return 42\n")
    return path


def packed(source: Path, *, compiled: bool = False) -> bytes:
    return archives.packed({"one.two.three": source}, MAIN, compiled=compiled)


@pytest.mark.parametrize("compiled", [False, True])
def test_it_runs_by_itself(tmp_path: Path, source: Path, compiled: bool) -> None:
    archive = tmp_path / "archive.pyz"
    archive.write_bytes(packed(source, compiled=compiled))
    source.unlink()
    ended = subprocess.run([sys.executable, "-I", str(archive)], capture_output=True, text=True, check=True)
    assert ended.stdout == "42\n"


def test_it_follows_from_the_sources_alone(source: Path) -> None:
    one = packed(source)
    source.touch()
    assert packed(source) == one
    source.write_text("def answer():\n    return 43\n")
    assert packed(source) != one


def test_every_folder_is_a_package() -> None:
    found = archives.packed({"one.two.three": Path(__file__)}, MAIN)
    assert zipfile.ZipFile(io.BytesIO(found)).namelist() == [
        "__main__.py", "one/__init__.py", "one/two/__init__.py", "one/two/three.py",
    ]  # fmt: skip


def test_byte_code_is_taken_without_a_look_at_the_source(source: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(packed(source, compiled=True)))
    magic, flags = (archive.read("one/two/three.pyc")[start : start + 4] for start in (0, 4))
    assert (magic, int.from_bytes(flags, "little")) == (importlib.util.MAGIC_NUMBER, 0b01)
    assert "one/two/three.py" in archive.namelist(), "for another version of Python"
