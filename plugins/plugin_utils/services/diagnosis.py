# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds in the last lines of a service's log why it does not start."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from string import Template

LINES = 60  # how many last lines of a log are searched: a traceback is long


@dataclass(frozen=True)
class Diagnosis:
    """A known cause why a service does not start, and what to do.

    Attributes:
        says: a regular expression that matches the log if this is the cause.
        cause, hint: templates; `${data}` is the path of the data inside the service, and named groups of `says`.
        passes: whether the cause may go away by itself.
    """

    says: str
    cause: str
    hint: str
    passes: bool = False


# For every service: the wording of uvicorn, SeaweedFS and MinIO.
_COMMON = (
    Diagnosis(
        r"(?i)address already in use|port \d+ for \w+ .*is not available|port is already in use",
        "another program has taken one of its ports since they were checked",
        "Do the same again: samerun up; if it stays so, stop that program, or move ours by the variables that end in "
        "_port.",
        passes=True,
    ),
)


def of(log: str, known: Iterable[Diagnosis], data: str) -> Diagnosis | None:
    """Find the first diagnosis whose pattern matches `log`: those `known` for the service, then the common ones."""
    for one in (*known, *_COMMON):
        if found := re.search(one.says, log):
            values = {**found.groupdict(), "data": data}
            cause, hint = (Template(text).safe_substitute(values) for text in (one.cause, one.hint))
            return replace(one, cause=cause, hint=hint)
    return None
