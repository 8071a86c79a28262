"""What all actions share: options in, a result or one line out, and what is shown to whom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import acting
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import channel
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction


class Action(SamerunAction):
    """Says and warns what it is told, then fails or returns its options."""

    ARGUMENTS = {"line": {"type": "str", "default": "x"}, "number": {"type": "int"}, "fail": {"type": "bool"}}  # noqa: RUF012 - the base class' form

    def guard(self, task_vars: dict[str, Any]) -> None:
        if "wrong" in task_vars:
            raise SamerunError("Failed to read wrong.", "Leave it out.", DATA)

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self.say(options["line"])
        self.progress("Collecting")
        self.warn("careful")
        if options["fail"]:
            raise SamerunError("Failed to act.", "Try again.", DATA)
        return {"options": options, "checking": self.checking}


@pytest.fixture
def module() -> ModuleType:
    found = ModuleType("module")
    found.__dict__["ActionModule"] = Action
    return found


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A program that started the play and reads what actions show."""
    reading, writing = os.pipe()
    monkeypatch.setenv(channel.VARIABLE, str(writing))
    yield reading
    os.close(reading)
    os.close(writing)


def test_options_have_the_types_and_defaults_of_their_spec(module: ModuleType) -> None:
    done = acting.act(module, {"number": "7"}, check=True)
    assert done.result == {
        "changed": False, "checking": True, "options": {"line": "x", "number": 7, "fail": None},
    }  # fmt: skip
    assert type(done.result["options"]["line"]) is str, "Ansible's own strings remember where they come from"


def test_a_failure_is_one_line_with_its_hint_and_exit_code(module: ModuleType) -> None:
    assert acting.act(module, {"fail": True}).result == {
        "failed": True, "msg": "Failed to act. Try again.", "hint": "Try again.", "samerun_exit": DATA,
    }  # fmt: skip


def test_variables_are_looked_at_before_the_options_that_are_made_of_them(module: ModuleType) -> None:
    found = acting.act(module, {"number": "no number"}, variables={"wrong": 1}).result
    assert found["msg"] == "Failed to read wrong. Leave it out."


def test_lines_are_on_the_screen_of_a_play_that_was_started_by_hand(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(channel.VARIABLE, raising=False)
    done = acting.act(module, {"line": "one"})
    assert (done.said, done.warned) == (["one", "Collecting"], ["careful"])


def test_lines_go_to_the_program_that_started_the_play(module: ModuleType, program: int) -> None:
    done = acting.act(module, {"line": "one"})
    frames = [*channel.Frames().feed(os.read(program, 1000))]
    assert frames == [
        (channel.Kind.SAY, b"one"), (channel.Kind.PROGRESS, b"Collecting"), (channel.Kind.SAY, b"careful"),
    ]  # fmt: skip
    assert (done.said, done.warned) == ([], [])


def test_a_task_whose_play_is_gone_shows_nothing(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([1, 2, 3, 4, 5, 6])  # it has another one at each look
    monkeypatch.delenv(channel.VARIABLE, raising=False)
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    done = acting.act(module, {})
    assert (done.said, done.warned) == ([], [])
