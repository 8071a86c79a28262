# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes each venv once; its folder is named by a hash of its content, and all worlds share it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from platformdirs import user_cache_path

from ansible_collections.samerun.stack.plugins.module_utils import callers, files
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer, venv_seeds

_TAIL = 4
_HINT = "Is the package index reachable? PIP_INDEX_URL, PIP_EXTRA_INDEX_URL and pip's own configuration count."


def folder(cache: Path, requirements: str) -> Path:
    """Return the folder of the venv for `requirements` (the text of a requirements file); it may not exist yet."""
    version = ".".join(map(str, sys.version_info[:2]))
    key = hashlib.sha256(f"{version}\0{requirements}".encode()).hexdigest()[:16]
    return cache / "venvs" / key


def listed(requirements: Iterable[str]) -> str:
    """Return requirements as the text of a requirements file."""
    return "".join(f"{line}\n" for line in requirements)


def is_made(venv: Path) -> bool:
    return (venv / ".complete").exists()


def ensure(cache: Path, requirements: str, say: Callable[[str], None]) -> tuple[Path, bool]:
    """Make the venv for `requirements` unless it exists.

    Returns:
        Its folder, and whether it was made now.

    Raises:
        SamerunError: uv or pip failed; the message has its error.
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
    say(f"Making a Python environment in {venv}: this takes a while once")
    python, uv = str(venv / "bin" / "python"), installer.own_uv()
    what = "make a virtual environment"
    try:
        _run([sys.executable, "-m", "venv", "--without-pip", str(venv)], say, what)
        if not venv_seeds.plant(python, _environ(), uv):
            _run([python, "-m", "ensurepip", "--upgrade", "--default-pip"], say, what)
    except SamerunError as error:
        error.hint = "Debian and Ubuntu keep it apart: sudo apt install python3-venv"
        raise
    listed = venv / "requirements.txt"
    listed.write_text(requirements)
    try:
        installer.install(python, ["--requirement", str(listed)], _environ(), say, uv)
    except installer.Failed as failed:
        raise SamerunError(f"Failed to install the requirements in {listed}: {failed}.", _HINT, UNAVAILABLE) from failed


def _run(argv: list[str], say: Callable[[str], None], what: str) -> None:
    ended = subprocess.run(
        argv, env=_environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if ended.returncode:
        shown = " | ".join(line.strip() for line in ended.stdout.splitlines()[-_TAIL:] if line.strip())
        raise SamerunError(f"Failed to {what}: {shown}.", _HINT, UNAVAILABLE)


def _environ() -> dict[str, str]:
    """Return the environment for pip and uv: with PIP_INDEX_URL and the like, without PYTHONPATH and other venvs."""
    return callers.inherited(os.environ)


def main(requirements: str) -> None:
    """Make the venv of a requirements file, so that a launch need not make it."""
    try:
        ensure(user_cache_path("samerun"), Path(requirements).read_text(), _print)
    except SamerunError as error:
        sys.exit(f"samerun: {error}")


def _print(line: str) -> None:
    print(f"samerun:   {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
