"""What the commands do, for Python programs.

Whatever fails is a `SamerunError` with a hint. A script that failed is no failure of samerun's: its record says so.
The caller's working folder, environment and signal handlers are afterwards as they were. Everything may be called from
any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from samerun import inventories
from samerun.interrupts import Cancelled, as_if_unseen
from samerun.launch import Launch
from samerun.look import WorldStatus
from samerun.request import Training
from samerun.silent import Silent
from samerun.variables import Variables

if TYPE_CHECKING:
    from samerun.player import Played


def run(
    script: str | Path,
    *,
    inventory: str = inventories.DEFAULT,
    args: Sequence[str] = (),
    target: str = "",
    env: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
    log: Callable[[bytes], None] | None = None,
) -> RunRecord:
    """Train in a world whose services are up, and wait for the end.

    Args:
        script: its path, relative to the working folder.
        inventory: one of samerun's by name, or a path.
        args: the script's arguments.
        target: where it runs; by default where the world's services do.
        env: variables for the script, beside those of the inventory.
        variables: what overrides the inventory and the project's samerun.yml.
        log: takes the script's output as it comes.

    Returns:
        The record; its state is FAILED or KILLED where the script ended so.

    Raises:
        SamerunError: the script was not started.
        KeyboardInterrupt: at Ctrl+C, after the script has ended. Ctrl+C and SIGTERM reach the script first and then the
            caller's own handlers. In other threads than the main one they are the caller's alone.
    """
    from samerun import training

    asked = Training(str(script), tuple(args), target, dict(env or {}))
    try:
        trained = training.train(asked, inventory, Variables(values=variables or {}), Silent(log))
    except Cancelled as cancelled:
        as_if_unseen(cancelled.number)
        raise
    as_if_unseen(trained.signal)
    record = next((r for r in trained.records if r.state is not RunState.FINISHED), None) or trained.records[0]
    if record.state is RunState.FAILED and record.exit_code is None:
        raise SamerunError(record.reason, record.hint, UNAVAILABLE)
    return record


def submit(
    script: str | Path,
    *,
    inventory: str = inventories.DEFAULT,
    args: Sequence[str] = (),
    target: str = "",
    env: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Launch:
    """Start a training in a world whose services are up, and return as soon as it needs nobody any more.

    See `run` for the arguments. The same is checked as before `run`; launches that ended unwatched are left to the next
    command that looks at the world.

    Raises:
        SamerunError: the script was not started.
    """
    from samerun import submitting

    training = Training(str(script), tuple(args), target, dict(env or {}), detach=True)
    return Launch(submitting.submit(training, inventory, Variables(values=variables or {})))


def up(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Set a world's services up.

    Returns:
        Where this host reaches them: `mlflow` and `object_store`.

    Raises:
        SamerunError: something is in the way.
    """
    played = _services("services", inventory, Variables(values=variables or {}))
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
    from samerun import plays

    return list(plays.services("teardown", inventory, chosen, Silent()).result("world_teardown").get("removed", []))


def status(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> WorldStatus:
    """A world's services and launches; those that ended unwatched are settled.

    Raises:
        SamerunError: the engine does not answer, or the inventory holds more than one world.
    """
    from samerun import look, worlds

    return look.look(worlds.one(inventory, _of_the_folder(variables)))


def runs(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> list[RunRecord]:
    """The records of all launches of a world, the newest first; those that ended unwatched are settled.

    Raises:
        SamerunError: the engine does not answer, or the inventory holds more than one world.
    """
    from samerun import look, worlds

    return look.launches(worlds.one(inventory, _of_the_folder(variables)))[0]


def attach(
    launch: str = "", *, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None
) -> Launch:
    """A launch that was started by anybody, here or elsewhere.

    Args:
        launch: its id, or what it begins with if no other one does. Empty: the newest one.
        inventory, variables: those of its world.

    Raises:
        SamerunError: there is none, or more than one.
    """
    from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach as attaching
    from samerun import worlds

    return Launch(attaching.find(worlds.load(inventory, _of_the_folder(variables)), launch))


def logs(
    launch: str = "", *, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None
) -> bytes:
    """What there is of a launch's log by now; see `attach` for the arguments, and `Launch.follow` for what comes.

    Raises:
        SamerunError: there is no such launch, or the engine does not answer.
    """
    return attach(launch, inventory=inventory, variables=variables).logs()


def wait(
    launch: str = "",
    *,
    timeout: float | None = None,
    inventory: str = inventories.DEFAULT,
    variables: Mapping[str, Any] | None = None,
) -> RunRecord:
    """Wait for the end of a launch; see `attach` for the arguments.

    Raises:
        SamerunError: there is no such launch, or it still goes on after `timeout` seconds.
    """
    return attach(launch, inventory=inventory, variables=variables).wait(timeout)


def cancel(
    launch: str = "", *, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None
) -> RunRecord:
    """End a launch: SIGTERM, and 30 s later SIGKILL; one that has ended stays as it is. See `attach` for the arguments.

    Raises:
        SamerunError: there is no such launch, or the engine does not answer.
    """
    return attach(launch, inventory=inventory, variables=variables).cancel()


def _of_the_folder(variables: Mapping[str, Any] | None) -> Variables:
    return Variables(values=variables or {}).with_project(Path())


def _services(playbook: str, inventory: str, variables: Variables) -> Played:
    from samerun import plays

    try:
        return plays.services(playbook, inventory, variables, Silent())
    except Cancelled as cancelled:
        as_if_unseen(cancelled.number)
        raise
