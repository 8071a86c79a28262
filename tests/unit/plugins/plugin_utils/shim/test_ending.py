from __future__ import annotations

import json

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import ending

FACTS = {"launch": "the-launch", "state": "FAILED", "exit_code": 1, "closed": True}


@pytest.mark.parametrize("character", ["a", "ü", "漢", "🙂", "\x1b", "\n", '"', "\ud800"])
def test_a_report_fits_whatever_its_reason_is_made_of(character: str) -> None:
    report = {**FACTS, "reason": character * 1000, "hint": character * 2000, "runs": [{"run_id": "0" * 32}] * 20}
    data = ending.packed(report, 4096)
    assert len(data) <= 4096
    told = json.loads(data)
    assert {name: told[name] for name in FACTS} == FACTS
    assert len(told["reason"]) >= 100
    assert len(told["runs"]) >= 5


def test_a_report_that_fits_is_whole() -> None:
    report = {**FACTS, "reason": "Wegen übergroßer Hitze geschlossen", "imports": {"mlflow": "3.1"}}
    assert json.loads(ending.packed(report, 4096)) == report


def test_even_one_huge_thing_that_cannot_be_cut_leaves_the_rest() -> None:
    assert json.loads(ending.packed({**FACTS, "imports": {"a": "b" * 5000}}, 4096)) == FACTS
