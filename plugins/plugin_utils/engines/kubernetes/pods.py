# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads facts about a run from a pod's status. Everything here is read from data; nothing asks the cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState, parse_time
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import pod_words

_KILLED = 137
PATIENCE = 4.0  # seconds; some reasons that stop a container from starting pass by themselves
_OUT_OF_MEMORY = {**causes.OUT_OF_MEMORY.facts, "state": "FAILED"}


def ended(pod: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how the pod's container ended, as arguments for `outcome_from`; None while it runs or waits."""
    state = container_state(pod).get("terminated")
    status = pod.get("status", {})
    if state is None and status.get("phase") != "Failed":
        return None
    state = state or {}
    report = _report(state.get("message", ""))
    found = {
        "report": report, "exit_code": None, "started_at": state.get("startedAt") or "",
        "ended_at": state.get("finishedAt") or "", **_why(state, report),
    }  # fmt: skip
    # With exit code 0 only a child of the script was killed, and the script went on.
    if state.get("reason") == "OOMKilled" and state.get("exitCode"):
        found["report"] = {**report, **_OUT_OF_MEMORY} if report else {}
        found |= {**_OUT_OF_MEMORY, "state": RunState.FAILED}
    elif (words := taken_away(pod)) and report.get("state", "KILLED") == "KILLED":
        # The shim saw only a signal, not why it came.
        found["report"] = {**report, **words} if report else {}
        found |= {**words, "state": RunState.KILLED}
    elif not state:
        why = status.get("message") or status.get("reason") or "it says no reason"
        found |= Why(Cause.UNKNOWN, f"The pod failed: {why.rstrip('.')}.", pod_words.DESCRIBE).facts
    return found


def _why(state: Mapping[str, Any], report: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a container ended; it counts if the container left no report."""
    code, message = state.get("exitCode"), str(state.get("message", "")).strip()
    if code == _KILLED:
        return {"state": RunState.KILLED, **pod_words.taken_away("The pod was killed.")}
    if not report and state.get("reason") in ("StartError", "ContainerCannotRun"):
        return {"state": RunState.FAILED, **pod_words.unstartable(message)}
    reason = f"The container ended with exit code {code} and left no report."
    return {"state": RunState.FAILED, **Why(Cause.UNKNOWN, reason, causes.LAST_LINES).facts}


def last_words(pod: Mapping[str, Any], tail: str) -> dict[str, Any]:
    """Return why a container without a report ended, from the last lines of its log; empty if they do not show it."""
    code = container_state(pod).get("terminated", {}).get("exitCode")
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    if not lines or code in (None, _KILLED):
        return {}
    if pod_words.is_foreign(lines[-1]):
        return pod_words.unstartable(lines[-1])
    reason = f"The container ended with exit code {code} and left no report: {lines[-1].rstrip('.')}."
    return dict(Why(Cause.UNKNOWN, reason, "Its last lines say more.").facts)


def taken_away(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return why the cluster removed the pod; empty if it did not."""
    status = pod.get("status", {})
    if status.get("phase") == "Failed" and (words := pod_words.by_kubelet(status)):
        return words
    if disruption := _condition(pod, "DisruptionTarget"):
        return pod_words.disrupted(disruption.get("reason", ""), disruption.get("message", ""))
    if pod["metadata"].get("deletionTimestamp"):
        return pod_words.taken_away("The pod was deleted.")
    return {}


def stuck(pod: Mapping[str, Any], start_timeout: int = 0) -> dict[str, str] | None:
    """Return why the pod will never start; None if it may.

    Args:
        start_timeout: seconds to wait until a node takes the pod; 0 waits forever.
    """
    waiting = container_state(pod).get("waiting", {})
    message = str(waiting.get("message", "")).strip()
    why = str(waiting.get("reason", ""))
    # A missing image stays missing. A missing Secret may still be created, if a queue started the Job early.
    lost = pod_words.is_about_image(why) and pod_words.is_image_lost(message)
    if pod_words.is_fatal(why) and (lost or age(pod) > PATIENCE):
        return pod_words.cannot_start(f"{why}: {message}")
    words = waits_for_node(pod)
    too_late = bool(start_timeout) and _since(_condition(pod, "PodScheduled", "False")) > start_timeout
    return pod_words.cannot_start(words) if words and (too_late or pod_words.is_missing(words)) else None


def waits_for_node(pod: Mapping[str, Any]) -> str:
    """Return why no node takes the pod, in the cluster's words; empty if one did, or no reason is known yet."""
    return str(_condition(pod, "PodScheduled", "False").get("message", ""))


def waits_for(pod: Mapping[str, Any]) -> str:
    """Return one line for the user about what the pod waits for; empty if there is nothing to say."""
    waiting = container_state(pod).get("waiting", {})
    if waiting.get("reason") in (None, "ContainerCreating", "PodInitializing"):
        return waits_for_node(pod)
    return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")


def claims(pod: Mapping[str, Any]) -> list[str]:
    """Return the names of the PersistentVolumeClaims that the pod mounts."""
    found = pod.get("spec", {}).get("volumes") or []
    return [volume["persistentVolumeClaim"]["claimName"] for volume in found if "persistentVolumeClaim" in volume]


def is_running(pod: Mapping[str, Any]) -> bool:
    return "running" in container_state(pod)


def is_leaving(pod: Mapping[str, Any]) -> bool:
    """Whether the pod is being deleted and has not ended yet."""
    return bool(pod["metadata"].get("deletionTimestamp")) and ended(pod) is None


def overdue(pod: Mapping[str, Any]) -> bool:
    """Whether a deleted pod should have ended by now; its deletionTimestamp includes the grace period."""
    until = pod["metadata"].get("deletionTimestamp")
    return bool(until) and (datetime.now(UTC) - parse_time(until)).total_seconds() > PATIENCE


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the pod is ready; a pod on a lost node is not."""
    return bool(_condition(pod, "Ready"))


def has_started(pod: Mapping[str, Any]) -> bool:
    """Whether the container has started, so that there is a log to read."""
    return bool({"running", "terminated"} & set(container_state(pod)))


def node_lost(node: Mapping[str, Any] | None) -> str:
    """Return why the node is lost, in the cluster's words; empty if it is ready."""
    if node is None:
        return "it was removed from the cluster"
    ready = _condition(node, "Ready") or _condition(node, "Ready", "False") or _condition(node, "Ready", "Unknown")
    if ready.get("status") == "True":
        return ""
    return f"{ready.get('message') or ready.get('reason') or 'it is not ready'}".rstrip(".")


def age(thing: Mapping[str, Any]) -> float:
    """Return the seconds since the object was created."""
    return (datetime.now(UTC) - parse_time(thing["metadata"]["creationTimestamp"])).total_seconds()


def container_state(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    mine = next((status for status in statuses if status.get("name") == "training"), statuses[0])
    state: Mapping[str, Any] = mine.get("state") or {}
    return state


def _condition(thing: Mapping[str, Any], kind: str, status: str = "True") -> Mapping[str, Any]:
    for condition in thing.get("status", {}).get("conditions") or []:
        if condition["type"] == kind and condition["status"] == status:
            found: Mapping[str, Any] = condition
            return found
    return {}


def _since(condition: Mapping[str, Any]) -> float:
    when = condition.get("lastTransitionTime")
    return (datetime.now(UTC) - parse_time(when)).total_seconds() if when else 0.0


def _report(message: str) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
