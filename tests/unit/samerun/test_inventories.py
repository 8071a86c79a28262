"""Inventories are found by samerun's own names, or where the caller says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, SamerunError
from samerun import inventories


@pytest.mark.parametrize("name", ["process", "local", "k8s"])
def test_name_leads_to_the_inventory_that_comes_with_samerun(root: Path, name: str) -> None:
    found = Path(inventories.located(name))
    assert found.is_absolute()
    assert found.resolve() == (root / "inventories" / name).resolve()
    assert inventories.packaged(name) == found


def test_path_is_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "local").mkdir()
    monkeypatch.chdir(tmp_path)
    assert inventories.located("./local") == str(tmp_path / "local")
    assert inventories.located("local") != str(tmp_path / "local")


def test_list_of_hosts_is_left_to_ansible() -> None:
    assert inventories.located("one,two") == "one,two"


@pytest.mark.parametrize(
    "given, hint",
    [
        ("proces", "Did you mean process?"),
        ("inventories/locl", "Did you mean local?"),
        ("staging", "Name one of k8s, local, process, or give a path."),
    ],
)
def test_missing_one_is_refused_with_the_nearest_name(given: str, hint: str) -> None:
    with pytest.raises(SamerunError) as refused:
        inventories.located(given)
    assert given in refused.value.message
    assert refused.value.hint == hint
    assert refused.value.code == NO_INPUT


def test_only_names_of_ours_are_packaged(tmp_path: Path) -> None:
    with pytest.raises(SamerunError, match="samerun brings none"):
        inventories.packaged(str(tmp_path))
