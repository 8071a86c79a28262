"""What is done by a play: services, and trainings that somebody watches."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    EXIT_KEY,
    NO_INPUT,
    SOFTWARE,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord
from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.channel import Kind
from samerun import ansible_words, inventories
from samerun.interrupts import Cancelled
from samerun.player import Play, Played, Watcher, play
from samerun.variables import Variables

_LOGGER = logging.getLogger("samerun")


@dataclass(frozen=True)
class Training:
    """What to train; see `samerun.run`."""

    script: str = ""
    args: tuple[str, ...] = ()
    target: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    detach: bool = False


@dataclass(frozen=True)
class Trained:
    """What a play trained; `failure` is what its last line says, where it did not end well."""

    played: Played
    records: list[RunRecord]
    failure: SamerunError | None


def train(
    training: Training, inventory: str, variables: Variables, watcher: Watcher, verbosity: int = 0, *flags: str
) -> Trained:
    """Play a training.

    Raises:
        SamerunError: nothing was started.
        Cancelled: the same, by a signal.
    """
    path = inventories.located(inventory)
    played = play(Play("train", path, with_training(variables, training), verbosity, flags), watcher)
    records = [record for launch in played.launches if (record := _record(launch["record"]))]
    if not records:
        done = (result for action, result in played.results if action.endswith(".training_run"))
        records = [RunRecord.from_dict(result["record"]) for result in done if "record" in result]
    failure = failed(played) if played.code else None
    if played.signal and not records:
        raise Cancelled(played.signal)
    if failure and not records:
        raise failure
    return Trained(played, records, failure)


def with_training(variables: Variables, training: Training) -> Variables:
    """`variables` with what says what to train, over those of the project's samerun.yml.

    Raises:
        SamerunError: the script cannot be read, or the project's file.
    """
    script = training.script or str(variables.values.get("training_script", "train.py"))
    project = str(variables.values.get("training_project", ""))
    found = scripts.located(script, project)
    return variables.with_project(Path(project) if project else Path(script).parent).with_literals(
        training_script=str(found.project / found.relative), training_detach=training.detach,
        **({"training_args": list(training.args)} if training.args else {}),
        **({"training_target": training.target} if training.target else {}), __samerun_env=dict(training.env),
    )  # fmt: skip


def services(
    playbook: str, inventory: str, variables: Variables, watcher: Watcher, verbosity: int = 0, *flags: str
) -> Played:
    """Play a playbook about services, with the samerun.yml of the working folder.

    Raises:
        SamerunError: it failed.
        Cancelled: by a signal.
    """
    path = inventories.located(inventory)
    played = play(Play(playbook, path, variables.with_project(Path()), verbosity, flags), watcher)
    if played.code and not played.signal:
        raise failed(played)
    if played.signal:
        raise Cancelled(played.signal)
    return played


def failed(played: Played) -> SamerunError:
    """Why a play failed, in one line."""
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


class Silent:
    """Shows nothing but hands the log on; what is for a person goes to the logger `samerun`."""

    def __init__(self, log: Callable[[bytes], None] | None = None) -> None:
        self._log = log

    def event(self, event: Mapping[str, Any]) -> None:
        del event

    def frame(self, kind: Kind, data: bytes) -> None:
        if kind is Kind.LOG and self._log:
            self._log(data)
        if kind is Kind.SAY:
            _LOGGER.info("%s", data.decode(errors="replace"))

    def tick(self) -> None:
        pass


def _record(path: str) -> RunRecord | None:
    try:
        return RunRecord.from_dict(json.loads(Path(path).read_text()))
    except FileNotFoundError:
        return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
