from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.plays.lines import Lines

CASES = {
    "whole lines": ([b"a\nb\n"], ["a", "b"]),
    "a line in pieces": ([b"a", b"b", b"c\nd"], ["abc", "d"]),
    "a character in pieces": (["ü".encode()[:1], "ü".encode()[1:], b"\n"], ["ü"]),
    "no end": ([b"a"], ["a"]),
    "nothing": ([], []),
    "empty lines": ([b"\n\na\n"], ["", "", "a"]),
    "a return": ([b"a\r\nb\n"], ["a", "b"]),
    "what is no text": ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
    "half a character at the end": (["ü".encode()[:1]], ["\ufffd"]),
    "a secret's look-alikes": ([b"{{ x }} $(y)\n"], ["{{ x }} $(y)"]),
}


@pytest.mark.parametrize("case", CASES)
def test_each_line_is_shown_once_it_is_whole(case: str) -> None:
    pieces, expected = CASES[case]
    shown: list[str] = []
    lines = Lines(shown.append)
    for piece in pieces:
        lines.feed(piece)
    lines.end()
    assert shown == expected


def test_a_line_is_shown_before_the_next_comes() -> None:
    shown: list[str] = []
    Lines(shown.append).feed(b"first\nsec")
    assert shown == ["first"]


def test_an_endless_line_is_shown_in_pieces() -> None:
    shown: list[str] = []
    lines = Lines(shown.append)
    for _piece in range(4):
        lines.feed(b"x" * 40_000)
    lines.end()
    assert len(shown) > 1
    assert "".join(shown) == "x" * 160_000
