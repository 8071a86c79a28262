"""Why a play failed is one line with an exit code."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, SOFTWARE, UNAVAILABLE
from samerun import plays
from samerun.player import Played


def ended(*lines: str, failures: list[tuple[str, dict[str, Any]]] | None = None) -> Played:
    played = Played(code=2, failures=failures or [])
    played.last.extend(lines)
    return played


def test_our_own_failure_keeps_message_hint_and_code() -> None:
    result = {"msg": "Failed to x: y. Type z.", "hint": "Type z.", "samerun_exit": 78}
    error = plays.failed(ended(failures=[("Train", result)]))
    assert (error.message, error.hint, error.code) == ("Failed to x: y.", "Type z.", 78)


def test_a_bundled_modules_failure_names_its_step() -> None:
    result = {"msg": "Error creating container:\n 409 Client Error"}
    error = plays.failed(ended(failures=[("docker | Create the container", result)]))
    assert error.message == "Failed to create the container: Error creating container: 409 Client Error"
    assert error.code == UNAVAILABLE


def test_a_play_that_did_not_start_is_told_in_ansibles_words() -> None:
    error = plays.failed(ended("[WARNING]: x", "[ERROR]: the playbook could not be found"))
    assert error.message == "Failed to play: the playbook could not be found"
    assert error.code == SOFTWARE


def test_an_inventory_that_ansible_cannot_read_is_missing_input() -> None:
    error = plays.failed(ended("[ERROR]: No inventory was parsed, please check"))
    assert error.message.startswith("Failed to read the inventory: No inventory was parsed")
    assert error.code == NO_INPUT


@pytest.mark.parametrize("lines", [(), ("Traceback", "ValueError: x")])
def test_there_is_always_a_cause(lines: tuple[str, ...]) -> None:
    error = plays.failed(ended(*lines))
    assert error.message.startswith("Failed to play: ")
    assert len(error.message) > len("Failed to play: ")
    assert "\n" not in str(error)
