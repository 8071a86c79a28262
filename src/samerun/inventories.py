"""Finds inventories by name or path."""

from __future__ import annotations

import difflib
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, SamerunError
from samerun import STACK

DEFAULT = "process"


def known() -> dict[str, Path]:
    """The inventories that come with samerun, by name."""
    return {path.name: path for path in sorted((STACK / "inventories").iterdir()) if path.is_dir()}


def packaged(name: str) -> Path:
    """The path of an inventory that comes with samerun.

    Raises:
        SamerunError: samerun has no inventory of that name.
    """
    found = known()
    if name not in found:
        raise SamerunError(
            f"Failed to find the inventory {name}: samerun brings none of that name.", _nearest(name), NO_INPUT
        )
    return found[name]


def located(given: str) -> str:
    """The path of an inventory, given as the name of one of samerun's, or as a file or folder.

    A list of hosts (with a comma in it) is returned as it is, for Ansible to read.

    Raises:
        SamerunError: there is no such name, file or folder.
    """
    found = known()
    if given in found:
        return str(found[given])
    path = Path(given).expanduser()
    if path.exists():
        return str(path.absolute())
    if "," in given:
        return given
    raise SamerunError(
        f"Failed to find the inventory {given}: there is no such file or folder.", _nearest(given), NO_INPUT
    )


def _nearest(given: str) -> str:
    found = known()
    close = difflib.get_close_matches(Path(given).name, found, n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else f"Name one of {', '.join(found)}, or give a path."
