# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what the user gives to run, before anything starts: script, requirements, variables and volumes."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, DATA, NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.training import Volume

# This client still pickles a torch model without an input example, and its data format is that of our server.
DEFAULT_REQUIREMENTS = "mlflow==3.13.*\nboto3\n"
_NO_NUL = "Neither environments nor command lines hold one: pass it in base64, or in a file."
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Script:
    """A script and its project folder; `relative` is its POSIX path in there."""

    project: Path
    relative: str


def located(script: str, project: str) -> Script:
    """Find the script, relative to the current folder; sources/checks.py reads its content.

    Raises:
        SamerunError: it is missing, a folder, unreadable, empty, or outside its project.
    """
    path = Path(script).expanduser().absolute()
    root = Path(project).expanduser().absolute() if project else path.parent
    start = f"Failed to read the script {script}"
    try:
        _usable(path, root, script)
    except OSError as error:
        raise SamerunError(f"{start}: {error.strerror}.", "Make it readable.", NO_INPUT) from error
    return Script(root, path.relative_to(root).as_posix())


def _usable(path: Path, root: Path, script: str) -> None:
    """Raise a SamerunError unless `path` is a file inside `root` that is not empty; an OSError if it is unreadable."""
    start = f"Failed to read the script {script}"
    if not path.exists():
        if path.is_symlink():
            cause = f"it is a link to {path.readlink()}, which is not there"
            raise SamerunError(f"{start}: {cause}.", "Mend the link, or name the file itself.", NO_INPUT)
        raise SamerunError(f"{start}: there is no such file.", _nearest(path), NO_INPUT)
    if path.is_dir():
        raise SamerunError(f"{start}: it is a folder.", f"Name a file in it, such as {script}/train.py", NO_INPUT)
    if not path.is_file():  # reading a pipe would block, and a device has no end
        raise SamerunError(f"{start}: it is no ordinary file.", "Write it to a file, and name that.", NO_INPUT)
    if not path.is_relative_to(root):
        raise SamerunError(
            f"{start}: it is not inside its project {root}.", "Set training_project to a folder above it.", CONFIG
        )
    if not path.read_bytes().strip():
        raise SamerunError(f"{start}: it is empty.", "Is it saved?", DATA)


def requirements(given: str, project: Path) -> str:
    """Return the text of the named requirements file, else of the project's requirements.txt, else MLflow and boto3."""
    path = Path(given).expanduser().absolute() if given else project / "requirements.txt"
    if not given and not path.is_file():
        return DEFAULT_REQUIREMENTS
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "it is not text"
        raise SamerunError(
            f"Failed to read the requirements {path}: {cause}.", "Correct training_requirements.", NO_INPUT
        ) from error


def arguments(option: str, given: Sequence[Any]) -> tuple[str, ...]:
    """Return the arguments for the script as strings.

    Raises:
        SamerunError: a command line cannot hold an argument.
    """
    found = tuple(str(argument) for argument in given)
    for number, argument in enumerate(found, 1):
        if "\0" in argument:
            raise SamerunError(f"Failed to read {option}: argument {number} holds a NUL byte.", _NO_NUL, DATA)
    return found


def variables(option: str, given: Mapping[str, Any], mode: str = contract.DIRECT) -> dict[str, str]:
    """Return the environment variables for the script as strings.

    Args:
        mode: how artifacts are written. The user may set a variable that only contracts of another mode set.

    Raises:
        SamerunError: an environment cannot hold the name or value, or the contract sets the variable.
    """
    rows = {row.name: row for row in contract.TABLE if mode in row.modes}
    for name, value in given.items():
        if not _NAME.fullmatch(str(name)):
            raise SamerunError(
                f"Failed to read {option}: {name!r} is no name of a variable.", "Write NAME: VALUE.", DATA
            )
        if name in rows and rows[name].setting != option:
            raise SamerunError(
                f"Failed to read {option}: {name} is part of the contract.",
                f"Set {rows[name].setting} instead.",
                CONFIG,
            )
        if isinstance(value, (dict, list)) or value is None:
            raise SamerunError(f"Failed to read {option}: {name} is not a string.", "Quote its value.", DATA)
        if "\0" in str(value):
            raise SamerunError(f"Failed to read {option}: the value of {name} holds a NUL byte.", _NO_NUL, DATA)
    return {str(name): str(value) for name, value in given.items()}


def volume(given: str | Mapping[str, Any]) -> Volume:
    """Parse `SOURCE:PATH[:ro]`, or a mapping of source, path and read_only.

    Raises:
        SamerunError: a path is not absolute, or a folder of the host does not exist.
    """
    if isinstance(given, str):
        source, _, rest = given.partition(":")
        path, _, mode = rest.partition(":")
        given = {"source": source, "path": path, "read_only": mode == "ro"}
        if mode not in ("", "ro", "rw"):
            raise SamerunError(f"Failed to read training_volumes: {mode!r} is neither ro nor rw.", "", DATA)
    source, path = str(given.get("source", "")), str(given.get("path", ""))
    if source.startswith(("/", "~", ".")):
        source = str(Path(source).expanduser().absolute())
        if not Path(source).is_dir():
            raise SamerunError(
                f"Failed to use the volume {source}:{path}: there is no such folder.", f"mkdir -p {source}", NO_INPUT
            )
    if not source or not path.startswith("/") or ".." in Path(path).parts or path == "/":
        raise SamerunError(
            f"Failed to read training_volumes: {source}:{path} is not SOURCE:PATH.",
            "Write for example ~/data:/data",
            DATA,
        )
    return Volume(source, path.rstrip("/"), bool(given.get("read_only", False)))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _nearest(path: Path) -> str:
    names = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5) or names[:1]
    return f"Did you mean {path.parent / close[0]}?" if close else "Name it: samerun train PATH/TO/train.py"
