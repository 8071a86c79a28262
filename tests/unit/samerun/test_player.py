"""A play's events become results, and its secrets are in no file once Ansible has read them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import callers
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import channel
from samerun import COLLECTIONS, player
from samerun.player import Played


class Seen:
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.said: list[tuple[str, str]] = []

    def event(self, event: Mapping[str, Any]) -> None:
        self.events.append(event["event"])

    def line(self, text: str) -> None:
        self.said.append(("line", text))

    def progress(self, text: str) -> None:
        self.said.append(("progress", text))

    def tick(self) -> None:
        """Nothing is to be done."""


@pytest.fixture
def playing(tmp_path: Path) -> player._Playing:
    """A play that goes on, of which nothing was started."""
    made = player._Playing.__new__(player._Playing)
    made.played, made.watcher, made.frames = Played(), Seen(), channel.Frames()
    made.secret_part = tmp_path / "variables.yml"
    made.secret_part.touch()
    return made


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": data, "stdout": ""}


def test_results_and_failures_of_tasks_are_kept_apart(playing: player._Playing) -> None:
    playing._event(event("runner_on_ok", resolved_action="samerun.stack.preflight", res={"moved": {}}))
    playing._event(event("runner_on_failed", task="Tolerated", res={}, ignore_errors=True))
    playing._event(event("runner_on_failed", task="Train", res={"msg": "no"}))
    assert playing.played.result("preflight") == {"moved": {}}
    assert playing.played.result("training_run") == {}
    assert playing.played.failures == [("Train", {"msg": "no"})]
    assert isinstance(playing.watcher, Seen)
    assert len(playing.watcher.events) == 3


def test_variables_are_in_no_file_once_ansible_has_read_them(playing: player._Playing) -> None:
    playing._event(event("verbose"))
    assert playing.secret_part.exists()
    assert playing._event(event("playbook_on_start")) is False, "ansible-runner would keep it in a file"
    assert not playing.secret_part.exists()


def test_the_last_words_are_ansibles_own(playing: player._Playing) -> None:
    for number in range(30):
        playing._event({"event": "verbose", "stdout": f"line {number}\n"})
    playing._event({"event": "runner_on_start", "stdout": "a task"})
    assert list(playing.played.last)[-1] == "line 29"
    assert len(playing.played.last) == 20


def test_what_an_action_says_is_shown_as_a_line_or_as_progress(playing: player._Playing) -> None:
    def framed(kind: channel.Kind, data: bytes) -> bytes:
        return channel._HEADER.pack(kind, len(data)) + data

    sent = framed(channel.Kind.SAY, "é one".encode()) + framed(channel.Kind.PROGRESS, b"two")
    playing._shown(sent[:10])
    playing._shown(sent[10:])
    assert isinstance(playing.watcher, Seen)
    assert playing.watcher.said == [("line", "é one"), ("progress", "two")]


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_whatever_the_signal_a_play_is_ended_by_the_one_that_it_hands_on(
    playing: player._Playing, wish: signal.Signals
) -> None:
    playing.process = None
    playing._end(wish)  # nothing was started yet
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        playing.process = process
        playing._end(wish)
        assert process.wait(30) in (-signal.SIGINT, 1, 130)


def test_a_play_uses_this_packages_collection_before_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", "/elsewhere")
    assert player._environment({}, 7)["ANSIBLE_COLLECTIONS_PATH"] == f"{COLLECTIONS}:/elsewhere"


def test_what_is_not_the_callers_is_named_so_that_no_script_inherits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "no")
    monkeypatch.setenv("SAME", "same")
    monkeypatch.delenv(channel.VARIABLE, raising=False)
    found = player._environment({"SAME": "same", "RUNNER": "x"}, 7)
    before = json.loads(found[callers.CALLER])
    assert found[channel.VARIABLE] == "7"
    assert (before["ANSIBLE_NOCOLOR"], before[channel.VARIABLE], before["RUNNER"]) == ("no", None, None)
    assert "SAME" not in before
    assert os.environ["ANSIBLE_NOCOLOR"] == "no"
