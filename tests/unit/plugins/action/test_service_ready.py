"""A service is waited for as long as it may still start, and not longer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import service_ready
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE
from ansible_collections.samerun.stack.plugins.plugin_utils.services import readiness


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    return fakes.host(monkeypatch, samples.world(tmp_path))


class Answers:
    """What is wrong with the service, one after the other, the last one for ever; each takes `seconds`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *problems: str, seconds: float = 1.0) -> None:
        self.now, self.seconds, self.problems = 1000.0, seconds, list(problems)
        monkeypatch.setattr(readiness, "problem", lambda _host, _service: self.problem())
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", lambda _seconds: None)

    def problem(self) -> str:
        self.now += self.seconds
        return self.problems.pop(0) if len(self.problems) > 1 else self.problems[0]


CORRUPTED = {"says": "file is not a database", "cause": "its database is corrupted", "hint": "Put back a copy."}


def act(state: Path, timeout: int = 180) -> dict[str, Any]:
    service = samples.service_options(diagnoses=[CORRUPTED])
    options = {"world": samples.world_options(state), "service": service, "timeout": timeout}
    return acting.act(service_ready, options).result


def test_a_service_that_answers_in_the_end_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: fakes.FakeHost
) -> None:
    Answers(monkeypatch, "it is starting", "it is starting", "")
    found = act(tmp_path)
    assert (found["url"], found["seconds"]) == ("http://localhost:9000", 3.0)
    assert host.asked == ["remember minio"]


def test_one_that_cannot_start_is_given_up_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: fakes.FakeHost
) -> None:
    Answers(monkeypatch, "it is starting")
    host.hope = "The image could not be pulled."
    found = act(tmp_path)
    assert found["msg"].startswith("Failed to start minio, given up after 1 s: The image could not be pulled.")
    assert found["samerun_exit"] == UNAVAILABLE
    assert host.asked == []


def test_one_that_takes_too_long_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: fakes.FakeHost
) -> None:
    Answers(monkeypatch, "it is starting")
    host.states["minio"], host.words = "starting", "waiting for a disk"
    assert "given up after 6 s: it is starting. Its last words: waiting for a disk" in act(tmp_path, timeout=5)["msg"]


def test_one_that_runs_and_is_not_reached_says_what_decides_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: fakes.FakeHost
) -> None:
    Answers(monkeypatch, "nothing answers", seconds=10)
    found = act(tmp_path, timeout=1000)
    assert "given up after 100 s: it runs, and nothing answers." in found["msg"]
    assert host.reached_by(samples.world(tmp_path).object_store) in found["msg"]


@pytest.mark.parametrize(
    "words, seconds",
    [("file is not a database", 3), ("bind: address already in use", 21)],
    ids=["never", "perhaps when the port is free again"],
)
def test_a_log_that_says_why_it_does_not_start_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: fakes.FakeHost, words: str, seconds: int
) -> None:
    answers = Answers(monkeypatch, "it is starting")
    host.states["minio"], host.words = "starting", words
    found = act(tmp_path)
    assert found["msg"].startswith("Failed to start minio: ")
    assert answers.now - 1000 >= seconds
    assert "given up" not in found["msg"]
