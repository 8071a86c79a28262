from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why

SAID: dict[str, tuple[Why, Cause, str, str]] = {
    "cancelled": (causes.cancelled(15), Cause.CANCELLED, "Cancelled by SIGTERM.", ""),
    "cancelled early": (
        causes.cancelled(signal.SIGINT, started=False),
        Cause.CANCELLED,
        "Cancelled by SIGINT before the script started.",
        "",
    ),
    "time limit": (
        causes.timed_out("train.py", 2),
        Cause.TIME_LIMIT,
        "train.py was stopped after its time limit of 2 s.",
        "Raise training_timeout.",
    ),
    "out of memory": (
        causes.OUT_OF_MEMORY,
        Cause.OUT_OF_MEMORY,
        "Out of memory: the kernel stopped it.",
        "Raise memory in training_resources, or use less.",
    ),
    "signal": (causes.ended("train.py", -9), Cause.SCRIPT, "train.py was ended by SIGKILL.", ""),
    "exit code": (
        causes.ended("train.py", 3),
        Cause.SCRIPT,
        "train.py ended with exit code 3.",
        "Its last lines say why.",
    ),
}


@pytest.mark.parametrize("how", SAID)
def test_a_sentence_is_made_from_its_cause(how: str) -> None:
    why, cause, reason, hint = SAID[how]
    assert (why.cause, why.reason, why.hint) == (cause, reason, hint)
    assert causes.read(json.loads(json.dumps(why.facts))) == {"cause": cause, "cancelled_by": why.cancelled_by}


def test_facts_leave_nothing_of_another_cause() -> None:
    found = {**causes.cancelled(15).facts, **causes.OUT_OF_MEMORY.facts}
    assert found == causes.OUT_OF_MEMORY.facts
    assert found["cancelled_by"] == ""


@pytest.mark.parametrize("cause", Cause)
def test_a_cause_is_its_value_wherever_it_is_written(cause: Cause) -> None:
    assert Cause(cause.value) is cause
    assert f"{cause}" == str(cause) == cause.value
    assert json.dumps({"cause": cause}) == json.dumps({"cause": cause.value})


def test_a_cause_of_a_newer_version_is_none_that_we_know() -> None:
    assert causes.read({"cause": "moonlight", "reason": "Cancelled by SIGTERM."})["cause"] is Cause.NONE


@pytest.mark.parametrize(
    "reason, cause, cancelled_by",
    [
        ("Cancelled by SIGTERM.", Cause.CANCELLED, "SIGTERM"),
        ("Cancelled by SIGINT before the script started.", Cause.CANCELLED, "SIGINT"),
        ("train.py was stopped after its time limit of 2 s.", Cause.TIME_LIMIT, ""),
        ("It was stopped after the Job's time limit of 2 s, in which it was to start as well.", Cause.TIME_LIMIT, ""),
        ("Out of memory: the kernel stopped it.", Cause.OUT_OF_MEMORY, ""),
        ("Failed to reach MLflow from the host: x.", Cause.REFUSED, ""),
        ("train.py was ended by SIGTERM.", Cause.NONE, ""),
        ("", Cause.NONE, ""),
    ],
)
def test_what_versions_without_causes_wrote_is_read(reason: str, cause: Cause, cancelled_by: str) -> None:
    found: dict[str, Any] = {"reason": reason}
    assert causes.read(found) == {"cause": cause, "cancelled_by": cancelled_by}
