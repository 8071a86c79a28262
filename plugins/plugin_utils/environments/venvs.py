# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual environments keyed by the hash of what is in them, made once and shared by all worlds."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import callers, files
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError

_TAIL = 4
_GRACE_SECONDS = 5


def folder(cache: Path, requirements: str) -> Path:
    """Where the venv for `requirements` (the text of a requirements file) lies, made or not."""
    version = ".".join(map(str, sys.version_info[:2]))
    key = hashlib.sha256(f"{version}\0{requirements}".encode()).hexdigest()[:16]
    return cache / "venvs" / key


def listed(requirements: Iterable[str]) -> str:
    """Requirements as the text of a requirements file."""
    return "".join(f"{line}\n" for line in requirements)


def is_made(venv: Path) -> bool:
    return (venv / ".complete").exists()


def ensure(cache: Path, requirements: str, say: Callable[[str], None]) -> tuple[Path, bool]:
    """Make the venv for `requirements` unless it is there.

    Returns:
        Its folder, and whether it was made now.

    Raises:
        SamerunError: with the last lines of pip.
    """
    venv = folder(cache, requirements)
    with files.locked(venv.with_name(venv.name + ".lock")):
        if is_made(venv):
            return venv, False
        shutil.rmtree(venv, ignore_errors=True)
        _make(venv, requirements, say)
        (venv / ".complete").touch()
    return venv, True


def _make(venv: Path, requirements: str, say: Callable[[str], None]) -> None:
    say(f"Making a Python environment in {venv}: this takes minutes once")
    try:
        _run([sys.executable, "-m", "venv", str(venv)], say, "make a virtual environment")
    except SamerunError as error:
        error.hint = "Debian and Ubuntu keep it apart: sudo apt install python3-venv"
        raise
    listed = venv / "requirements.txt"
    listed.write_text(requirements)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    # An old pip stumbles over the metadata of newer packages.
    _run([*pip, "--quiet", "--upgrade", "pip"], say, "install a current pip")
    _run([*pip, "--requirement", str(listed)], say, f"install the requirements in {listed}")


def _run(argv: list[str], say: Callable[[str], None], what: str) -> None:
    # PIP_INDEX_URL and the like are the caller's and count; PYTHONPATH and a foreign venv do not.
    environ = callers.inherited(os.environ)
    last: list[str] = []
    with subprocess.Popen(
        argv, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        try:
            for line in process.stdout:
                last = [*last[1 - _TAIL :], line.strip()]
                if line.startswith(("Collecting", "Downloading", "Installing", "Successfully")):
                    say(_brief(line))
        except BaseException:  # Ctrl+C, say: nobody waits for it any more
            _end(process)
            raise
    if process.returncode:
        shown = " | ".join(line for line in last if line)
        raise SamerunError(
            f"Failed to {what}: {shown}.",
            "Is the package index reachable? PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and pip's own configuration count.",
            UNAVAILABLE,
        )


def _end(process: subprocess.Popen[str]) -> None:
    """End pip in the way that lets it remove its temporary files, and else at once."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _brief(line: str) -> str:
    """One short line of pip's; an index URL in it may hold a password, so only names are kept."""
    words = line.split()
    if words[0] == "Downloading":
        return " ".join(["Downloading", words[1].rsplit("/", 1)[-1], *words[2:]])
    if words[0] == "Collecting":
        return f"Collecting {words[1]}"
    return f"{words[0]} {len(words) - 1} packages" if len(words) > 3 else line.strip()
