# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a launch ended: a cause for code to decide by, and a sentence for the user.

This file travels with each launch, see the folder plugin_utils/shim.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from enum import Enum
from typing import Any, Mapping

AGAIN = "Start it again: samerun train"
LAST_LINES = "Its last lines say why."


class Cause(str, Enum):
    """Why a launch ended. Reports, records and MLflow's tags have its value."""

    NONE = ""  # it still runs or succeeded; or another version of samerun wrote a cause that this one does not know
    REFUSED = "refused"  # samerun refused to start or to continue the script
    UNSTARTABLE = "unstartable"  # the engine could not start it
    SCRIPT = "script"  # the script ended by itself: with an exit code, or by a signal that did not come from samerun
    TIME_LIMIT = "time_limit"
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"  # the user's signal ended it
    TAKEN_AWAY = "taken_away"  # its process, container, pod, node or engine was stopped or lost
    UNKNOWN = "unknown"  # it left no report, and the engine does not know either

    @classmethod
    def _missing_(cls, _value: object) -> Cause:
        return cls.NONE

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class Why:
    """A cause, with the reason and the hint for the user.

    Attributes:
        cancelled_by: the name of the signal if the cause is CANCELLED; else empty.
    """

    cause: Cause
    reason: str
    hint: str = ""
    cancelled_by: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """Return all fields, to merge into a report or an engine's facts; they replace those of any other cause."""
        return {
            "cause": self.cause.value, "cancelled_by": self.cancelled_by, "reason": self.reason, "hint": self.hint,
        }  # fmt: skip


OUT_OF_MEMORY = Why(
    Cause.OUT_OF_MEMORY,
    "Out of memory: the kernel stopped it.",
    "Raise memory in training_resources, or use less.",
)


def cancelled(number: int, *, started: bool = True) -> Why:
    """Return the cause of a launch that was cancelled by signal `number`; `started`: the script had started by then."""
    name = signal.Signals(number).name
    when = "" if started else " before the script started"
    return Why(Cause.CANCELLED, f"Cancelled by {name}{when}.", cancelled_by=name)


def timed_out(script: str, seconds: int) -> Why:
    """Return the cause of a launch whose `script` the shim ended at its time limit of `seconds`."""
    reason = f"{script} was stopped after its time limit of {seconds} s."
    return Why(Cause.TIME_LIMIT, reason, "Raise training_timeout.")


def ended(script: str, code: int) -> Why:
    """Return the cause of a launch whose `script` ended by itself with exit code `code`, negative for a signal."""
    if code < 0:
        return Why(Cause.SCRIPT, f"{script} was ended by {signal.Signals(-code).name}.")
    return Why(Cause.SCRIPT, f"{script} ended with exit code {code}.", LAST_LINES)


# Sentences of versions without causes. They are still in records, in MLflow's tags and in reports of running launches.
_SENTENCES = (
    (re.compile(r"Cancelled by (SIG[A-Z0-9]+)"), Cause.CANCELLED),
    (re.compile(r"Out of memory: "), Cause.OUT_OF_MEMORY),
    (re.compile(r".* was stopped after (?:its|the Job's) time limit of "), Cause.TIME_LIMIT),
    (re.compile(r"Failed to "), Cause.REFUSED),
)


def read(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return `cause`, as a Cause, and `cancelled_by` of a report or record."""
    if "cause" in found:
        return {"cause": Cause(found["cause"]), "cancelled_by": str(found.get("cancelled_by", ""))}
    for sentence, cause in _SENTENCES:
        if words := sentence.match(str(found.get("reason", ""))):
            return {"cause": cause, "cancelled_by": next(iter(words.groups()), "")}
    return {"cause": Cause.NONE, "cancelled_by": ""}
