from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import mask, outcome_from, overlaid

ENGINE = {"exit_code": None, "state": RunState.KILLED, "reason": "The engine's word.", "hint": "Its hint."}
REPORTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {"exit_code": None, "state": RunState.KILLED, "reason": "The engine's word."}),
    "a good end": ({"exit_code": 0, "state": "FINISHED"}, {"exit_code": 0, "reason": "", "hint": ""}),
    "a bad end": (
        {"exit_code": 3, "state": "FAILED", "reason": "The shim's.", "hint": "h"},
        {"exit_code": 3, "state": RunState.FAILED, "reason": "The shim's.", "hint": "h"},
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


BASE: dict[str, Any] = {
    "a": {"b": 1, "c": [1, 2]},
    "env": [{"name": "A", "value": "a"}, {"name": "B", "value": "b"}],
    "mounts": [{"name": "home", "at": "/a"}, {"name": "home", "at": "/b"}],
}
OVERLAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "a mapping": ({"a": {"d": 2}}, {"a": {"b": 1, "c": [1, 2], "d": 2}}),
    "a value": ({"a": {"b": "x"}}, {"a": {"b": "x", "c": [1, 2]}}),
    "a list": ({"a": {"c": [3]}}, {"a": {"b": 1, "c": [3]}}),
    "an empty list": ({"env": []}, {"env": []}),
    "a new key": ({"new": {"x": {"y": None, "z": 1}}}, {"new": {"x": {"z": 1}}}),
    "a null": ({"a": {"c": None}, "none": None}, {"a": {"b": 1}}),
    "a mapping over a value": ({"a": {"b": {"e": 1}}}, {"a": {"b": {"e": 1}, "c": [1, 2]}}),
    "named items": (
        {"env": [{"name": "B", "value": "x"}, {"name": "C", "value": "c"}]},
        {"env": [{"name": "A", "value": "a"}, {"name": "B", "value": "x"}, {"name": "C", "value": "c"}]},
    ),
    "items of one name": ({"mounts": [{"name": "x"}]}, {"mounts": [{"name": "x"}]}),
}


@pytest.mark.parametrize("case", OVERLAYS)
def test_an_overlay_merges_deeply_and_lists_by_name(case: str) -> None:
    overlay, changed = OVERLAYS[case]
    before = copy.deepcopy((BASE, overlay))
    assert overlaid(BASE, overlay) == {**BASE, **changed}
    assert (BASE, overlay) == before
