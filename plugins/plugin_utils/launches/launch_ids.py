# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people call a launch, and what its id tells."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, USAGE, SamerunError

_STAMP = 20  # characters at the end of an id: when the launch was made, and four random ones
_NAMED = 5  # candidates that an error names


def chosen(launches: Iterable[str], prefix: str) -> str:
    """The one of `launches` that begins with `prefix`, the newest one for an empty prefix.

    Raises:
        SamerunError: there is none, or more than one.
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
    """What sorts ids of launches by time."""
    return launch[-_STAMP:]


def age(launch: str) -> float:
    """Seconds since a launch was made, by its id."""
    made = datetime.strptime(launch[-_STAMP:-5], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    return (datetime.now(UTC) - made).total_seconds()
