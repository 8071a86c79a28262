"""A program sees nothing of a play or a training but what it asks for."""

from __future__ import annotations

import logging

import pytest

from samerun.silent import Silent


def test_the_log_is_handed_on_and_lines_go_to_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bytes] = []
    caplog.set_level(logging.INFO, "samerun")
    silent = Silent(seen.append)
    silent.log(b"\xff\n")
    silent.line("100 % done")
    assert seen == [b"\xff\n"]
    assert caplog.messages == ["100 % done"]


def test_all_else_is_shown_nowhere(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    silent = Silent()
    silent.event({"event": "runner_on_ok"})
    silent.tick()
    silent.enter("Training")
    silent.progress("so far")
    silent.request({"a": 1})
    silent.log(b"one\n")
    assert (caplog.messages, capsys.readouterr()) == ([], ("", ""))
