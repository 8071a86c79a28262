# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the end of a service's log says of why it does not start, where waiting does not help."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from string import Template

LINES = 60  # of a log that are looked at: a traceback is long


@dataclass(frozen=True)
class Diagnosis:
    """A cause in words, and what to do.

    Attributes:
        says: what the log holds then, as a regular expression.
        cause, hint: with `${data}`, the folder of the service's data as it sees it, and the named groups of `says`.
        passes: whether it may pass by itself.
    """

    says: str
    cause: str
    hint: str
    passes: bool = False


# Of every service: as uvicorn, SeaweedFS and MinIO say it.
_COMMON = (
    Diagnosis(
        r"(?i)address already in use|port \d+ for \w+ .*is not available|port is already in use",
        "another program has taken one of its ports since we looked",
        "Do the same again: samerun up; if it stays so, stop that program, or move ours by the variables that end in "
        "_port.",
        passes=True,
    ),
)


def of(log: str, known: Iterable[Diagnosis], data: str) -> Diagnosis | None:
    """The first of those that are `known` of a service, or of all services, that `log` tells."""
    for one in (*known, *_COMMON):
        if found := re.search(one.says, log):
            values = {**found.groupdict(), "data": data}
            cause, hint = (Template(text).safe_substitute(values) for text in (one.cause, one.hint))
            return replace(one, cause=cause, hint=hint)
    return None
