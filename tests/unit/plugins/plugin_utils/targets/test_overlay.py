from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.targets.overlay import overlaid

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
