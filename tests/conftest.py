"""What every test may ask for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def sources(root: Path) -> list[str]:
    """The repository's files as git sees them, new ones included, relative to its folder and with `/`."""
    if not shutil.which("git") or not (root / ".git").exists():
        pytest.skip("needs git and a clone: only git knows which files belong to the repository")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    # A file that was deleted stays listed until that is committed.
    return sorted({name for name in listed.stdout.split("\0") if name and (root / name).exists()})
