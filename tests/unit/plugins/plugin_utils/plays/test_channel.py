"""The pipe to the program that started a play."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.plays import channel
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.channel import Frames, Kind


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The reading end of a pipe that the environment names."""
    reading, writing = os.pipe()
    monkeypatch.setenv(channel.VARIABLE, str(writing))
    yield reading
    os.close(writing)


def test_nobody_listens_unless_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(channel.VARIABLE, raising=False)
    assert not channel.send(Kind.SAY, b"x")


def test_frames_arrive_with_their_kind_and_bytes(reading: int) -> None:
    assert channel.send(Kind.PROGRESS, b"a\xff\x00\r")
    assert channel.send(Kind.SAY, "é".encode())
    assert list(Frames().feed(os.read(reading, 100))) == [(Kind.PROGRESS, b"a\xff\x00\r"), (Kind.SAY, "é".encode())]


def test_a_long_line_comes_in_frames_that_no_other_writer_splits(reading: int) -> None:
    data = os.urandom(10_000)
    channel.send(Kind.SAY, data)
    frames = list(Frames().feed(os.read(reading, 1 << 16)))
    assert b"".join(content for _kind, content in frames) == data
    assert max(len(content) for _kind, content in frames) < select.PIPE_BUF


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_frames_are_whole_however_they_are_cut(reading: int, size: int) -> None:
    channel.send(Kind.PROGRESS, b"one")
    channel.send(Kind.SAY, b"two two")
    data, frames = os.read(reading, 100), Frames()
    found = [frame for start in range(0, len(data), size) for frame in frames.feed(data[start : start + size])]
    assert found == [(Kind.PROGRESS, b"one"), (Kind.SAY, b"two two")]


def test_a_listener_that_is_gone_is_no_failure(reading: int) -> None:
    os.close(reading)
    assert channel.send(Kind.SAY, b"x")
