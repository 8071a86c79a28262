"""`make` on a machine that lacks something says so in one line, before anything is made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make: install the package `make`")


def make(root: Path, folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    for name in ("Makefile", "pyproject.toml", "src/samerun/__init__.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    # Without MAKEFLAGS of a make around the tests, which would ask for its job server.
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    return subprocess.run(
        ["make", "unit", f"PYTHON={python}"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def pretender(folder: Path, condition: str, answer: str) -> str:
    """A Python that answers one question, known by a word in it, by itself."""
    path = folder / "pretender"
    path.write_text(f'#!/bin/sh\ncase "$2" in *{condition}*) {answer};; esac\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)
    return str(path)


def test_missing_python_is_one_line(root: Path, tmp_path: Path) -> None:
    ended = make(root, tmp_path, "no-such-python")
    assert ended.returncode != 0
    assert len(ended.stderr.splitlines()) == 1
    assert "needs Python 3.11 or newer, not 'no-such-python' (not found)" in ended.stderr


def test_old_python_is_one_line_with_its_version(root: Path, tmp_path: Path) -> None:
    ended = make(root, tmp_path, pretender(tmp_path, "version_info", "exit 0"))
    version = ".".join(map(str, sys.version_info[:3]))
    assert ended.returncode != 0
    assert len(ended.stderr.splitlines()) == 1
    assert "needs Python 3.11 or newer" in ended.stderr
    assert f"({version})" in ended.stderr


def test_python_without_venv_is_one_line_with_the_package(root: Path, tmp_path: Path) -> None:
    ended = make(root, tmp_path, pretender(tmp_path, "ensurepip", "exit 1"))
    assert ended.returncode != 0
    assert len(ended.stderr.splitlines()) == 1
    assert "comes without venv; install it (Debian and Ubuntu: apt install python3-venv)" in ended.stderr
    assert not (tmp_path / ".venv").exists()
