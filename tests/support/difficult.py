"""A project and values that are easily changed or lost on the way from a user to a script."""

from __future__ import annotations

import json
import os
import runpy
import shutil
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "integration" / "data"
PROBE = DATA / "probe.py"

# Variables that the user's shell may have, and that a run must not get.
FOREIGN = {
    "AWS_PROFILE": "of the caller",
    "AWS_SESSION_TOKEN": "of the caller",
    "MLFLOW_EXPERIMENT_NAME": "of the caller",
    "MLFLOW_RUN_ID": "of the caller",
    "MLFLOW_TRACKING_TOKEN": "of the caller",
    "PYTHONHASHSEED": "7",
    "PYTHONSTARTUP": "of the caller",
    "VIRTUAL_ENV": "of the caller",
}
_LONG = "32 KiB, ß, $, \n"

_TEXTS = {
    "package/__init__.py": "",
    "package/inner/__init__.py": "VALUE = 1\n",
    "package/data.bin": "".join(map(chr, range(128))),
    "with space/größe 世界.txt": "names\n",
    "tool.sh": "#!/bin/sh\n",
    ".hidden": "hidden\n",
    "empty": "",
    "kept.log": "kept by an exception\n",
    "dropped.log": "dropped\n",
    "data/large.npy": "dropped as a folder\n",
    "package/local.txt": "dropped by its folder's own file\n",
    "__pycache__/probe.pyc": "dropped always\n",
    ".git/config": "dropped always\n",
    "secret.env": "dropped by .samerunignore\n",
    ".gitignore": "*.log\n!kept.log\ndata/\n",
    ".samerunignore": "secret.env\n",
    "package/.gitignore": "local.txt\n",
}
# The files of the project that must reach the script.
DELIVERED = {
    ".gitignore", ".hidden", ".samerunignore", "dangling", "empty", "folder link", "kept.log", "link",
    "package/.gitignore", "package/__init__.py", "package/data.bin", "package/inner/__init__.py", "probe.py",
    "tool.sh", "with space/größe 世界.txt",
}  # fmt: skip


def values() -> dict[str, str]:
    """Return difficult values, by what is difficult about them."""
    found: dict[str, str] = json.loads((DATA / "exact.json").read_text())
    return {**found, "32 KiB": _LONG * (32 * 1024 // len(_LONG.encode()) + 1)}


def project(folder: Path) -> Path:
    """Fill `folder` with the probe script, files that a copy easily loses, and files that must not be sent."""
    shutil.copy(PROBE, folder)
    for name, text in _TEXTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "tool.sh").chmod(0o755)
    os.symlink("package/data.bin", folder / "link")
    os.symlink("package", folder / "folder link")
    os.symlink("nowhere", folder / "dangling")
    return folder


def tree_of(folder: Path) -> dict[str, str]:
    """Return what the probe script would print about the files below `folder`."""
    probe: dict[str, Any] = runpy.run_path(str(PROBE))
    before = Path.cwd()
    os.chdir(folder)
    try:
        found: dict[str, str] = probe["tree"]()
    finally:
        os.chdir(before)
    return found
