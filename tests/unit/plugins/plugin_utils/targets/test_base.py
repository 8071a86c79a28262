from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import mask, outcome_from

ENGINE = {
    "exit_code": None,
    "state": RunState.KILLED,
    "cause": "taken_away",
    "reason": "The engine's word.",
    "hint": "Its hint.",
}
REPORTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": (
        {},
        {"exit_code": None, "state": RunState.KILLED, "cause": Cause.TAKEN_AWAY, "reason": "The engine's word."},
    ),
    "a good end": (
        {"exit_code": 0, "state": "FINISHED"},
        {"exit_code": 0, "state": RunState.FINISHED, "cause": Cause.NONE, "reason": "", "hint": ""},
    ),
    "a bad end": (
        {"exit_code": 3, "state": "FAILED", "reason": "The shim's.", "hint": "h"},
        {"exit_code": 3, "state": RunState.FAILED, "reason": "The shim's.", "hint": "h"},
    ),
    "a cancel": (
        {"exit_code": 7, "state": "KILLED", "cause": "cancelled", "cancelled_by": "SIGINT", "reason": "x"},
        {"exit_code": 7, "cause": Cause.CANCELLED, "cancelled_by": "SIGINT", "reason": "x"},
    ),
    "a cancel, told by the version before": (
        {"exit_code": 7, "state": "KILLED", "reason": "Cancelled by SIGINT."},
        {"exit_code": 7, "cause": Cause.CANCELLED, "cancelled_by": "SIGINT"},
    ),
    "a refused start": (
        {"exit_code": None, "state": "FAILED", "stage": "probe", "reason": "The hop."},
        {"exit_code": None, "state": RunState.FAILED, "reason": "The hop."},
    ),
}


@pytest.mark.parametrize("case", REPORTS)
def test_the_shim_knows_better_where_it_lived_to_tell(case: str) -> None:
    report, expected = REPORTS[case]
    outcome = outcome_from(report, **ENGINE)
    assert {key: getattr(outcome, key) for key in expected} == expected
    assert outcome.report == report


def test_times_are_the_shims_where_it_has_them() -> None:
    outcome = outcome_from(
        {"exit_code": 0, "state": "FINISHED", "ended_at": "b"}, **ENGINE, started_at="a", ended_at="c"
    )
    assert (outcome.started_at, outcome.ended_at) == ("a", "b")


def test_a_mask_keeps_names_alone() -> None:
    assert mask({"A": "", "B": "canary"}) == {"A": "********", "B": "********"}
