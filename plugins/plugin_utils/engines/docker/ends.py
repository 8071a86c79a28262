# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds out why a container ended, from its state, its events and the last lines of its log."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState, parse_time
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import words

_KILLED = 128 + signal.SIGKILL
_LOST = 255  # the exit code that an engine records when it starts and finds the container dead
_EVENTS_SECONDS = 0.3  # the event of `docker stop` comes after the container's end
_REMEMBERED = 256  # number of events that an engine keeps in memory; they are lost when it ends
_TAIL_LINES = 5


@dataclass(frozen=True)
class End:
    """How a container ended: in place of a report that is missing, or as a correction of a report."""

    state: RunState
    why: Why

    @property
    def facts(self) -> dict[str, str]:
        """Return all fields, to merge into a report or into the engine's other facts."""
        return {"state": self.state.value, **self.why.facts}


def _taken_away(reason: str) -> End:
    return End(RunState.KILLED, Why(Cause.TAKEN_AWAY, reason, causes.AGAIN))


def _unstartable(reason: str, hint: str) -> End:
    return End(RunState.FAILED, Why(Cause.UNSTARTABLE, reason, hint))


OUT_OF_MEMORY = End(RunState.FAILED, causes.OUT_OF_MEMORY)
STOPPED = _taken_away("The container was stopped by hand (docker stop).")
KILLED = _taken_away("The container was killed by hand (docker kill).")
HOST = _taken_away("The container was killed, and not by its engine: its host or the engine itself went down.")
RESTARTED = _taken_away("The container went down with its engine, which was started again since.")
OUTSIDE = _taken_away("The container was stopped from outside: with its engine, or by hand a while ago.")
REMOVED = _taken_away("The container was removed before its end was seen.")
FULL_DISK = _unstartable("The disk of the engine is full: no space left on device.", words.FULL_DISK.hint)
NEVER_STARTED = _unstartable("The container was created and never started.", causes.AGAIN)


def end_of(container: Any) -> End:
    """Return how a container ended that left no report."""
    state = container.attrs["State"]
    if state.get("OOMKilled"):
        return OUT_OF_MEMORY
    if state["ExitCode"] in (_KILLED, _LOST):
        if _was_restarted(container):
            return RESTARTED
        actions = events(container)
        return STOPPED if "stop" in actions else KILLED if "kill" in actions else HOST
    said = f"{state.get('Error') or ''} {last_words(container)}".strip()
    cause = words.cause(said)
    if cause is words.FULL_DISK:
        return FULL_DISK
    if cause is words.ARCHITECTURE:
        return _unstartable(f"The image could not start: it is {_platforms(container)}.", cause.hint)
    if state["ExitCode"] in (126, 127) or state.get("Error"):
        return _unstartable(
            f"The image could not start it: {state.get('Error') or 'no such interpreter'}.",
            "Does training_python name an interpreter of the image?",
        )
    reason = f"The container ended with exit code {state['ExitCode']} and left no report."
    return End(RunState.FAILED, Why(Cause.UNKNOWN, reason, causes.LAST_LINES))


def cancelled(number: int) -> End:
    """Return the end of a container that samerun signalled and that left no report."""
    return End(RunState.KILLED, causes.cancelled(number))


def corrected(container: Any, report: Mapping[str, Any], *, cancelled: bool) -> dict[str, Any]:
    """Return `report` corrected by facts that only the engine knows, not the shim in the container.

    The result is empty if the container was lost: its engine stopped it, and has lost its events since.

    Args:
        cancelled: whether samerun itself signalled the container.
    """
    told = causes.read(report)
    killed = report.get("signal") == signal.SIGKILL and told["cause"] is not Cause.TIME_LIMIT
    if container.attrs["State"].get("OOMKilled") and killed:
        return {**report, **OUT_OF_MEMORY.facts}
    # This report fits both `docker stop` and an engine that went down with its containers.
    if not cancelled and told == {"cause": Cause.CANCELLED, "cancelled_by": signal.SIGTERM.name}:
        actions = events(container)
        if "die" not in actions or _was_restarted(container):
            return {}
        if "stop" in actions:
            return {**report, **STOPPED.facts}
    return dict(report)


def lost(container: Any) -> End:
    """Return the end of a container whose report `corrected` rejected."""
    return RESTARTED if _was_restarted(container) else OUTSIDE


def _was_restarted(container: Any) -> bool:
    """Whether the engine was restarted since the container started: its events do not have that start.

    An engine that was killed finds its containers alive at its next start. It stops them, as `docker stop` does.
    """
    import docker
    import requests

    with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
        until = container.client.info()["SystemTime"]
        found = list(container.client.api.events(since="1", until=_seconds(until), decode=True))
        started = any(event.get("id") == container.id and event.get("Action") == "start" for event in found)
        return not started and len(found) < _REMEMBERED
    return False


def _seconds(stamp: str, more: float = 0.0) -> str:
    """Return a time, plus `more` seconds, in the format of the engine's events API."""
    return f"{parse_time(stamp).timestamp() + more:.6f}"


def events(container: Any) -> set[str]:
    """Return the actions in the events of the container's last run; the engine keeps only the newest few hundred."""
    import docker
    import requests

    state = container.attrs["State"]
    actions: set[str] = set()
    with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
        found = container.client.api.events(
            since=_seconds(state["StartedAt"]), until=_seconds(state["FinishedAt"], _EVENTS_SECONDS),
            filters={"type": "container", "container": container.id}, decode=True,
        )  # fmt: skip
        actions = {event["Action"] for event in found}
    return actions


def last_words(container: Any) -> str:
    import docker

    try:
        return str(container.logs(tail=_TAIL_LINES).decode(errors="replace")).strip()
    except docker.errors.APIError:
        return ""


def _platforms(container: Any) -> str:
    """Name the image's platform and the engine's; the error of the failed exec names neither."""
    import docker

    try:
        image = container.client.images.get(container.attrs["Image"]).attrs
    except docker.errors.ImageNotFound:
        return "for another processor"
    host = container.client.version()
    return f"for {image['Os']}/{image['Architecture']}, and the engine runs on {host['Os']}/{host['Arch']}"
