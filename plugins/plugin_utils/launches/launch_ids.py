# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds a launch by a prefix of its id, and reads its age from the id."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, USAGE, SamerunError

_STAMP = 20  # characters at the end of an id: the time when it was made, and four random characters
_NAMED = 5  # how many candidates an error names


def chosen(launches: Iterable[str], prefix: str) -> str:
    """Choose the id that begins with `prefix`; the newest id for an empty prefix.

    Raises:
        SamerunError: no id begins so, or more than one does.
    """
    newest = sorted(launches, key=age_key, reverse=True)
    if not newest:
        raise SamerunError(
            "Failed to find a launch: nothing was trained in this world yet.", "Train: samerun train", NO_INPUT
        )
    if prefix in newest or not prefix:
        return prefix or newest[0]
    fitting = [launch for launch in newest if launch.startswith(prefix)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        close = difflib.get_close_matches(prefix, newest, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else "samerun runs lists them."
        raise SamerunError(f"Failed to find the launch {prefix}: no id begins so.", hint, NO_INPUT)
    named = ", ".join(fitting[:_NAMED]) + (", ..." if len(fitting) > _NAMED else "")
    raise SamerunError(
        f"Failed to find the launch {prefix}: {len(fitting)} ids begin so.", f"Name one of {named}", USAGE
    )


def age_key(launch: str) -> str:
    """The part of an id by which launches are sorted by time."""
    return launch[-_STAMP:]


def age(launch: str) -> float:
    """Seconds since the launch was made, read from its id."""
    made = datetime.strptime(launch[-_STAMP:-5], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return (datetime.now(UTC) - made).total_seconds()
