"""The last words of an Ansible that plays nothing become one line."""

from __future__ import annotations

import pytest

from samerun.ansible_words import Trouble, read


@pytest.mark.parametrize(
    "last, trouble, words",
    [
        (["hello", "[ERROR]: Unable to parse x\n as an inventory"], Trouble.INVENTORY,
         "Unable to parse x as an inventory"),
        (["[ERROR]: one", "noise", "[ERROR]: two"], Trouble.PLAY, "one [ERROR]: two"),
        (["usage: ansible", "no such  option"], Trouble.PLAY, "usage: ansible no such option"),
        ([], Trouble.PLAY, "it says nothing."),
    ],
    ids=["inventory", "errors alone", "no error", "nothing"],
)  # fmt: skip
def test_errors_count_before_all_else(last: list[str], trouble: Trouble, words: str) -> None:
    assert read(last) == (trouble, words)
