"""A play's events become results, and its secrets are in no file once Ansible has read them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import callers
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import channel
from samerun import COLLECTIONS, player
from samerun.interrupts import Interrupts
from samerun.player import Played, Watcher


class FakeInterrupts(Interrupts):
    """Knows whom signals are for, and sends none."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[int] = []

    def reach(self, pid: int) -> None:
        self.reached.append(pid)


class Seen(Watcher):
    """Keeps what it sees."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.frames: list[tuple[channel.Kind, bytes]] = []

    def event(self, event: Mapping[str, Any]) -> None:
        self.events.append(event["event"])

    def frame(self, kind: channel.Kind, data: bytes) -> None:
        self.frames.append((kind, data))

    def tick(self) -> None:
        """Nothing is to be done."""


@pytest.fixture
def playing(tmp_path: Path) -> player._Playing:
    """A play that goes on, of which nothing was started."""
    made = player._Playing.__new__(player._Playing)
    made.played, made.watcher, made.frames = Played(), Seen(), channel.Frames()
    made.secret_part, made.interrupts = tmp_path / "variables.yml", FakeInterrupts()
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


def test_a_launch_gets_the_signals_from_its_start_and_the_rest_is_shown(playing: player._Playing) -> None:
    def framed(kind: channel.Kind, data: bytes) -> bytes:
        return channel._HEADER.pack(kind, len(data)) + data

    launch = {"launch": "x", "record": "/r", "pid": 42}
    sent = framed(channel.Kind.LAUNCH, json.dumps(launch).encode()) + framed(channel.Kind.LOG, b"one")
    playing._shown(sent[:10])
    playing._shown(sent[10:])
    assert playing.played.launches == [launch]
    assert isinstance(playing.interrupts, FakeInterrupts)
    assert isinstance(playing.watcher, Seen)
    assert (playing.interrupts.reached, playing.watcher.frames) == ([42], [(channel.Kind.LOG, b"one")])


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
