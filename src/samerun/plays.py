"""Runs the plays that set up, check and remove services."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    EXIT_KEY,
    NO_INPUT,
    SOFTWARE,
    UNAVAILABLE,
    SamerunError,
)
from samerun import ansible_words, inventories
from samerun.interrupts import Cancelled
from samerun.player import Play, Played, Watcher, play
from samerun.variables import Variables


def services(
    playbook: str, inventory: str, variables: Variables, watcher: Watcher, verbosity: int = 0, *flags: str
) -> Played:
    """Run a playbook about services, with the samerun.yml of the working folder.

    Raises:
        SamerunError: the play failed.
        Cancelled: a signal ended the play.
    """
    path = inventories.located(inventory)
    played = play(Play(playbook, path, variables.with_project(Path()), verbosity, flags), watcher)
    if played.code and not played.signal:
        raise failed(played)
    if played.signal:
        raise Cancelled(played.signal)
    return played


def failed(played: Played) -> SamerunError:
    """The error for a failed play, with a message of one line."""
    if not played.failures:
        trouble, cause = ansible_words.read(list(played.last))
        if trouble is ansible_words.Trouble.INVENTORY:
            return SamerunError(f"Failed to read the inventory: {cause}", "Is it one of Ansible's?", NO_INPUT)
        return SamerunError(f"Failed to play: {cause}", "See more with -v.", SOFTWARE)
    task, result = played.failures[0]
    message, hint = _one_line(str(result.get("msg", "no reason is given"))), _one_line(str(result.get("hint", "")))
    if EXIT_KEY in result:
        return SamerunError(message.removesuffix(hint).rstrip(), hint, int(result[EXIT_KEY]))
    step = task.rpartition(" | ")[2]
    return SamerunError(f"Failed to {step[:1].lower()}{step[1:]}: {message}", "See more with -v.", UNAVAILABLE)


def _one_line(text: str) -> str:
    return " ".join(text.split())
