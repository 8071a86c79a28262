"""A log that is read over several connections, cut anywhere."""

from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.pod_log import Stamped

LINES = [
    (b"2026-01-01T00:00:01.000000001Z", b"one\n"),
    (b"2026-01-01T00:00:01.000000002Z", b"two\n"),
    (b"2026-01-01T00:00:01.000000002Z", b"the same moment\n"),
    (b"2026-01-01T00:00:01.000000002Z", b"again\n"),
    (b"2026-01-01T00:00:01.000000001Z", b"written later, stamped before\n"),
    (b"2026-01-01T00:00:02.500000000Z", b"\n"),
    (b"2026-01-01T00:00:03.000000000Z", b"bar 1\rbar 2\xff" + b"x" * 100 + b"\n"),
    (b"2026-01-01T00:00:03.900000000Z", b"no end"),
]
STAMPED = b"".join(stamp + b" " + line for stamp, line in LINES)
WHOLE = b"".join(line for _stamp, line in LINES)


def asked(since: str) -> bytes:
    """What a node answers that is asked for the lines from `since` on."""
    return b"".join(stamp + b" " + line for stamp, line in LINES if stamp.decode()[:19] + "Z" >= since)


@pytest.mark.parametrize("size", [1, 7, 33, 1000])
def test_stamps_are_taken_off_whatever_the_pieces(size: int) -> None:
    log = Stamped()
    pieces = [STAMPED[start : start + size] for start in range(0, len(STAMPED), size)]
    assert b"".join(map(log.feed, pieces)) == WHOLE


@pytest.mark.parametrize("again", [1, 2, 40])
def test_a_cut_anywhere_loses_and_doubles_nothing(again: int) -> None:
    for cut in range(len(STAMPED) + 1):
        log = Stamped()
        found = log.feed(STAMPED[:cut])
        for _once in range(again):
            log.connect()
            rest = asked(log.since)
            found += log.feed(rest[: len(rest) // 2]) + log.feed(rest[len(rest) // 2 :])
        assert found == WHOLE, cut


def test_a_line_that_is_gone_at_the_node_is_not_waited_for() -> None:
    log = Stamped()
    log.feed(b"2026-01-01T00:00:01.5Z lost since\n")
    log.connect()
    assert log.feed(b"2026-01-01T00:00:01.7Z new\n2026-01-01T00:00:01.6Z and more\n") == b"new\nand more\n"


def test_the_time_to_ask_for_has_whole_seconds_and_its_zone() -> None:
    log = Stamped()
    assert log.since == ""
    log.feed(b"2026-01-01T00:00:01.999999999+02:00 x\n")
    assert log.since == "2026-01-01T00:00:01+02:00"


def test_the_nodes_own_words_are_not_the_scripts() -> None:
    log = Stamped()
    words = b"unable to retrieve container logs for containerd://x\n"
    assert log.feed(words + LINES[0][0] + b" " + LINES[0][1]) == b"one\n"
