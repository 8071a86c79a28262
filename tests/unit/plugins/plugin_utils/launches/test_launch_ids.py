"""A launch is found by what is unambiguous."""

from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, USAGE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import new_launch
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import launch_ids

OLD, NEW, OTHER = "train-20260101-000000-abcd", "train-20260102-000000-0123", "other-20251231-000000-ffff"


@pytest.mark.parametrize(
    "prefix, launch",
    [("", NEW), ("o", OTHER), (OLD, OLD), ("train-20260102", NEW), (f"{OLD}-longer"[: len(OLD)], OLD)],
)
def test_an_unambiguous_prefix_or_none_names_a_launch(prefix: str, launch: str) -> None:
    assert launch_ids.chosen([OLD, NEW, OTHER], prefix) == launch


def test_an_id_in_full_is_unambiguous_though_another_begins_with_it() -> None:
    assert launch_ids.chosen([OLD, f"{OLD}-20260102-000000-0123"], OLD) == OLD


@pytest.mark.parametrize(
    "launches, prefix, code, words",
    [
        ([OLD, NEW], "train", USAGE, [f"Name one of {NEW}, {OLD}", "2 ids"]),
        ([OLD, NEW], "tarin-20260102-000000-0123", NO_INPUT, [f"Did you mean {NEW}?"]),
        ([OLD], "; rm -rf /", NO_INPUT, ["samerun runs"]),
        ([OLD], "../../x", NO_INPUT, ["samerun runs"]),
        ([], "", NO_INPUT, ["nothing was trained"]),
        ([f"x-2026010{n}-000000-0000" for n in range(1, 9)], "x", USAGE, ["x-20260108", "..."]),
    ],
)
def test_what_names_no_launch_is_one_line_with_the_nearest(
    launches: list[str], prefix: str, code: int, words: list[str]
) -> None:
    with pytest.raises(SamerunError) as refused:
        launch_ids.chosen(launches, prefix)
    assert refused.value.code == code
    assert [word for word in words if word not in str(refused.value)] == []


def test_ids_sort_by_time_whatever_they_are_called() -> None:
    assert sorted([NEW, OTHER, OLD], key=launch_ids.age_key) == [OTHER, OLD, NEW]


def test_an_id_tells_how_old_its_launch_is() -> None:
    assert 0 <= launch_ids.age(new_launch("Any Name")) < 5
    assert launch_ids.age(OLD) > 86400
