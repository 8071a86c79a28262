"""An inventory without a world ends a play, where Ansible alone would end with success."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import pytest
from ansible import context

from ansible_collections.samerun.stack.plugins.action import inventory_check
from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT


def check(monkeypatch: pytest.MonkeyPatch, *hosts: str, **typed: Any) -> dict[str, Any]:
    monkeypatch.setattr(context, "CLIARGS", typed)
    return acting.act(inventory_check, {}, variables={"groups": {"samerun": list(hosts)}}).result


def test_the_worlds_of_an_inventory_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, "one", "two")["worlds"] == ["one", "two"]


def test_an_inventory_that_names_no_world_is_refused_with_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(monkeypatch, inventory=[str(inventory_check.INVENTORIES)])
    assert (found["failed"], found["samerun_exit"]) == (True, NO_INPUT)
    assert str(inventory_check.INVENTORIES / "k8s") in found["hint"]


def test_a_path_that_is_misspelt_is_answered_with_the_near_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(monkeypatch, inventory=["somewhere/lcoal"])
    assert found["hint"] == f"There is no somewhere/lcoal. Did you mean {inventory_check.INVENTORIES / 'local'}?"


def test_a_limit_that_leaves_no_world_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("samerun: {hosts: {one: {}}}\nothers: {hosts: {two: {}}}\n")
    assert check(monkeypatch, "one", inventory=[str(inventory)], subset="one")["worlds"] == ["one"]
    found = check(monkeypatch, "one", inventory=[str(inventory)], subset="two")
    assert found["msg"].startswith("Failed to find a world: --limit two leaves none of one.")
