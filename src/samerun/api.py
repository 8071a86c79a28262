"""What the commands do, for Python programs.

Whatever fails is a `SamerunError` with a hint. A script that failed is no failure of samerun's: its record says so.
The caller's working folder, environment and signal handlers are afterwards as they were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.plugin_utils import scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.channel import Kind
from samerun import inventories
from samerun.player import Play, Played, Watcher, play
from samerun.variables import Variables

_ERROR = "[ERROR]: "


def run(
    script: str | Path,
    *,
    inventory: str = inventories.DEFAULT,
    args: Sequence[str] = (),
    target: str = "",
    env: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
    detach: bool = False,
    log: Callable[[bytes], None] | None = None,
) -> RunRecord:
    """Train in a world whose services are up.

    Args:
        script: its path, relative to the working folder.
        inventory: one of samerun's by name, or a path.
        args: the script's arguments.
        target: where it runs; by default where the world's services do.
        env: variables for the script, beside those of the inventory.
        variables: what overrides the inventory and the project's samerun.yml.
        detach: return as soon as it is submitted, with a record whose state is RUNNING.
        log: takes the script's output as it comes.

    Returns:
        The record; its state is FAILED or KILLED where the script ended so.

    Raises:
        SamerunError: the script was not started.
        KeyboardInterrupt: at Ctrl+C, after the script has ended.
    """
    training = Training(str(script), tuple(args), target, dict(env or {}), detach)
    trained = train(training, inventory, Variables(values=variables or {}), _Silent(log))
    if trained.played.signal:
        raise KeyboardInterrupt
    record = next((r for r in trained.records if r.state is not RunState.FINISHED), None) or trained.records[0]
    if record.state is RunState.FAILED and record.exit_code is None:
        raise SamerunError(record.reason, record.hint, UNAVAILABLE)
    return record


def up(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Set a world's services up.

    Returns:
        Where this host reaches them: `mlflow` and `object_store`.

    Raises:
        SamerunError: something is in the way.
    """
    played = services("services", inventory, Variables(values=variables or {}), _Silent())
    return dict(played.result("world_contract")["urls"])


def down(
    *, inventory: str = inventories.DEFAULT, purge: bool = False, variables: Mapping[str, Any] | None = None
) -> list[str]:
    """Remove a world's services, and with `purge` its data and keys too.

    Returns:
        What was removed, in words.

    Raises:
        SamerunError: a training still goes on, or something cannot be removed.
    """
    chosen = Variables(values=variables or {}).with_literals(samerun_purge=purge)
    return list(services("teardown", inventory, chosen, _Silent()).result("world_teardown").get("removed", []))


@dataclass(frozen=True)
class Training:
    """What to train; see `run`."""

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
    """
    path = inventories.located(inventory)
    script = training.script or str(variables.values.get("training_script", "train.py"))
    project = str(variables.values.get("training_project", ""))
    found = scripts.located(script, project)
    chosen = variables.with_project(Path(project) if project else Path(script).parent).with_literals(
        training_script=str(found.project / found.relative), training_detach=training.detach,
        **({"training_args": list(training.args)} if training.args else {}),
        **({"training_target": training.target} if training.target else {}), __samerun_env=dict(training.env),
    )  # fmt: skip
    played = play(Play("train", path, chosen, verbosity, flags), watcher)
    records = [record for launch in played.launches if (record := _record(launch["record"]))]
    if not records:
        done = (result for action, result in played.results if action.endswith(".training_run"))
        records = [RunRecord.from_dict(result["record"]) for result in done if "record" in result]
    failure = failed(played) if played.code else None
    if failure and not records and not played.signal:
        raise failure
    return Trained(played, records, failure)


def services(
    playbook: str, inventory: str, variables: Variables, watcher: Watcher, verbosity: int = 0, *flags: str
) -> Played:
    """Play a playbook about services, with the samerun.yml of the working folder.

    Raises:
        SamerunError: it failed.
        KeyboardInterrupt: it was cancelled.
    """
    path = inventories.located(inventory)
    played = play(Play(playbook, path, variables.with_project(Path()), verbosity, flags), watcher)
    if played.code and not played.signal:
        raise failed(played)
    if played.signal:
        raise KeyboardInterrupt
    return played


def failed(played: Played) -> SamerunError:
    """Why a play failed, in one line."""
    if not played.failures:
        words = [line for line in played.last if line.startswith(_ERROR)] or list(played.last) or ["it says nothing."]
        cause = _one_line(" ".join(words)).removeprefix(_ERROR)
        if "inventory" in cause:
            return SamerunError(f"Failed to read the inventory: {cause}", "Is it one of Ansible's?", NO_INPUT)
        return SamerunError(f"Failed to play: {cause}", "See more with -v.", SOFTWARE)
    task, result = played.failures[0]
    message, hint = _one_line(str(result.get("msg", "no reason is given"))), _one_line(str(result.get("hint", "")))
    if EXIT_KEY in result:
        return SamerunError(message.removesuffix(hint).rstrip(), hint, int(result[EXIT_KEY]))
    step = task.rpartition(" | ")[2]
    return SamerunError(f"Failed to {step[:1].lower()}{step[1:]}: {message}", "See more with -v.", UNAVAILABLE)


class _Silent:
    """Shows nothing but hands the log on."""

    def __init__(self, log: Callable[[bytes], None] | None = None) -> None:
        self._log = log

    def event(self, event: Mapping[str, Any]) -> None:
        del event

    def frame(self, kind: Kind, data: bytes) -> None:
        if kind is Kind.LOG and self._log:
            self._log(data)

    def tick(self) -> None:
        pass


def _record(path: str) -> RunRecord | None:
    try:
        return RunRecord.from_dict(json.loads(Path(path).read_text()))
    except FileNotFoundError:
        return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
