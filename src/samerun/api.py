"""The commands as functions for Python programs.

Every failure of samerun is a `SamerunError` with a hint. A script that failed raises nothing: its record says so.
The functions leave the caller's working folder, environment and signal handlers unchanged, and may be called from any
thread.
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
from samerun.request import Training
from samerun.silent import Silent
from samerun.variables import Variables
from samerun.world_status import WorldStatus

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
        script: the path of the script, relative to the working folder.
        inventory: the name of an inventory of samerun, or a path.
        args: the script's arguments.
        target: the target to run on; by default the world's own.
        env: environment variables of the script, in addition to those of the inventory.
        variables: Ansible variables that override the inventory and the project's samerun.yml.
        log: is called with each piece of the script's output.

    Returns:
        The record; its state is FAILED or KILLED if the script ended so.

    Raises:
        SamerunError: the script was not started.
        KeyboardInterrupt: at Ctrl+C, after the script has ended. In the main thread, Ctrl+C and SIGTERM go to the
            script first, and to the caller's own handlers once it has ended. In another thread, they go only to the
            caller's handlers.
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
    """Start a training in a world whose services are up, and return as soon as it runs on its own.

    The arguments and the checks are those of `run`. Launches that ended without a follower are not settled; the next
    command on the world does that.

    Raises:
        SamerunError: the script was not started.
    """
    from samerun import submitting

    training = Training(str(script), tuple(args), target, dict(env or {}), detach=True)
    return Launch(submitting.submit(training, inventory, Variables(values=variables or {})))


def up(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Set up the services of a world.

    Returns:
        Role (`mlflow`, `object_store`) to the URL at which this host reaches the service.

    Raises:
        SamerunError: a check failed, or a service did not start.
    """
    played = _services("services", inventory, Variables(values=variables or {}))
    return dict(played.result("world_contract")["urls"])


def down(
    *, inventory: str = inventories.DEFAULT, purge: bool = False, variables: Mapping[str, Any] | None = None
) -> list[str]:
    """Remove a world's services; with `purge` also its data and keys.

    Returns:
        What was removed, in words.

    Raises:
        SamerunError: a launch still runs, or something cannot be removed.
    """
    chosen = Variables(values=variables or {}).with_literals(samerun_purge=purge)
    from samerun import plays

    return list(plays.services("teardown", inventory, chosen, Silent()).result("world_teardown").get("removed", []))


def status(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> WorldStatus:
    """Read the state of a world's services and launches; settle launches that ended without a follower.

    Raises:
        SamerunError: the engine does not answer, or the inventory holds more than one world.
    """
    from samerun import world_status, worlds

    return world_status.read(worlds.one(inventory, _of_the_folder(variables)))


def runs(*, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None) -> list[RunRecord]:
    """Read the records of all launches of a world, newest first; settle launches that ended without a follower.

    Raises:
        SamerunError: the engine does not answer, or the inventory holds more than one world.
    """
    from samerun import world_status, worlds

    return world_status.launches(worlds.one(inventory, _of_the_folder(variables)))[0]


def attach(
    launch: str = "", *, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None
) -> Launch:
    """Find a launch, whoever started it, on this machine or another.

    Args:
        launch: its id, or a prefix of it that no other id has. Empty: the newest launch.
        inventory, variables: those of its world.

    Raises:
        SamerunError: there is no such launch, or more than one.
    """
    from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach as attaching
    from samerun import worlds

    return Launch(attaching.find(worlds.load(inventory, _of_the_folder(variables)), launch))


def logs(
    launch: str = "", *, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None
) -> bytes:
    """Read the log of a launch up to now; the arguments are those of `attach`. To follow it, use `Launch.follow`.

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
    """Wait for the end of a launch; the arguments are those of `attach`.

    Raises:
        SamerunError: there is no such launch, or it still runs after `timeout` seconds.
    """
    return attach(launch, inventory=inventory, variables=variables).wait(timeout)


def cancel(
    launch: str = "", *, inventory: str = inventories.DEFAULT, variables: Mapping[str, Any] | None = None
) -> RunRecord:
    """End a launch by SIGTERM, and 30 s later by SIGKILL; the arguments are those of `attach`.

    A launch that has ended does not change.

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
