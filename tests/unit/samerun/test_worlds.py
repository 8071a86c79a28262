"""The worlds of an inventory, and the one where only one can be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from samerun import worlds
from samerun.resolving import Resolved
from samerun.variables import Variables


def resolves(monkeypatch: pytest.MonkeyPatch, state: Path, *names: str) -> None:
    found = [Resolved(samples.world_options(state, name=name), {}) for name in names]
    monkeypatch.setattr(worlds, "resolve", lambda _inventory, _variables: found)


def test_all_worlds_are_read_in_the_order_of_the_inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, tmp_path, "b", "a")
    assert [world.name for world in worlds.load("x", Variables())] == ["b", "a"]


def test_where_there_are_several_none_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, tmp_path, "only")
    assert worlds.one("x", Variables()).name == "only"
    resolves(monkeypatch, tmp_path, "a", "b")
    with pytest.raises(SamerunError, match="the inventory x holds a, b") as caught:
        worlds.one("x", Variables())
    assert caught.value.code == CONFIG
