from __future__ import annotations

import struct

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import log

# The third is written by another thread of the engine and a little out of order; two come at the same time.
TIMES = ("05.000000000", "05.100000000", "05.099999000", "05.100000001", "05.100000001", "06.000000000")
LOG = [(f"2026-01-02T03:04:{when}Z", f"line {number}\n") for number, when in enumerate(TIMES)]
WHOLE = "".join(text for _when, text in LOG).encode()


def frame(stamp: str, text: str, kind: int = 1) -> bytes:
    data = f"{stamp} {text}".encode()
    return struct.pack(">BxxxL", kind, len(data)) + data


def sent(since: str = "") -> bytes:
    """What the engine sends of `LOG`: it compares times, and keeps the order in which they were written."""
    floor = int(since.replace(".", "")) if since else 0
    return b"".join(frame(*one) for one in LOG if log._nanoseconds(one[0].encode()) >= floor)


@pytest.mark.parametrize("at", range(len(sent()) + 1))
def test_no_byte_is_lost_or_doubled_wherever_the_connection_is_cut(at: int) -> None:
    messages = log.Messages()
    shown = messages.feed(sent()[:at])
    shown += messages.feed(sent(**messages.again()))
    assert shown == WHOLE


def test_every_cut_in_a_row_is_survived() -> None:
    messages, shown = log.Messages(), b""
    for _cut in range(20):
        shown += messages.feed(sent(**messages.again())[:60])
    assert shown + messages.feed(sent(**messages.again())) == WHOLE


def test_frames_come_in_any_pieces() -> None:
    messages = log.Messages()
    assert b"".join(messages.feed(bytes([one])) for one in sent()) == WHOLE


def test_a_text_may_hold_anything() -> None:
    messages = log.Messages()
    assert messages.feed(frame(LOG[0][0], " \x00 a\r b")) == b" \x00 a\r b"


def test_a_long_line_ends_where_the_engine_forgets_to_end_it() -> None:
    part, stamp = "x" * log._PART, LOG[0][0]
    messages = log.Messages()
    pieces = (frame(stamp, part), frame(stamp, "other\n", kind=2), frame(stamp, part), frame(stamp, "end"))
    assert messages.feed(b"".join(pieces)) == f"{part}other\n{part}end\n".encode()
    assert messages.feed(frame(stamp, "no end")) == b"no end"


def test_more_messages_at_one_time_than_are_remembered_are_all_shown_once() -> None:
    many = [(f"2026-01-02T03:04:05.{number // 4:09d}Z", f"{number}\n") for number in range(3 * log._REMEMBERED)]
    messages = log.Messages()
    shown = messages.feed(b"".join(frame(*one) for one in many[:-100]))
    floor = int(messages.again()["since"].replace(".", ""))
    rest = [one for one in many if log._nanoseconds(one[0].encode()) >= floor]
    assert len(rest) < log._REMEMBERED + 200
    assert shown + messages.feed(b"".join(frame(*one) for one in rest)) == "".join(t for _, t in many).encode()


def test_what_the_engine_says_in_place_of_a_message_is_no_line_of_the_script() -> None:
    messages = log.Messages()
    assert messages.feed(frame("Error", "grabbing logs: EOF", kind=3) + frame(*LOG[0])) == b"line 0\n"
    assert messages.error == "Error grabbing logs: EOF"


@pytest.mark.parametrize(
    "stamp, expected",
    [
        ("2026-01-02T03:04:05.000000006Z", 1767323045 * 10**9 + 6),
        ("2026-01-02T04:04:05.100000000+01:00", 1767323045 * 10**9 + 10**8),
        ("2026-01-02T03:04:05Z", 1767323045 * 10**9),
    ],
)
def test_times_of_the_engine_are_read(stamp: str, expected: int) -> None:
    assert log._nanoseconds(stamp.encode()) == expected
