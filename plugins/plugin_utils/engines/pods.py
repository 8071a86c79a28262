# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a pod's status says, as facts about a run. Everything here is read from data; nothing asks the cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState, parse_time

# A container that waits for one of these does not start by waiting longer; some pass within a moment.
_FATAL = (
    "CreateContainerConfigError", "CreateContainerError", "ErrImagePull", "ImagePullBackOff", "InvalidImageName",
    "RunContainerError",
)  # fmt: skip
_KILLED = 137
_PATIENCE = 4.0  # seconds
_HINTS = {
    "Image": "Is the image's name right, and may the nodes pull it (samerun_registry, samerun_pull_secrets)?",
    "CreateContainer": "kubectl describe pod shows the object that is missing.",
    "quota": "Ask for less by training_resources, or for more quota.",
    "PodSecurity": "Train in a namespace that samerun makes, or that admits the pod: training_namespace.",
    "persistentvolumeclaim": "Create the claim that training_volumes names in the training namespace.",
}


def ended(pod: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the pod's container ended, as the arguments of `outcome_from`; None while it runs or waits."""
    state = _state(pod).get("terminated")
    if state is None:
        if pod.get("status", {}).get("phase") == "Failed":
            words = pod["status"].get("message") or pod["status"].get("reason") or "it says no reason"
            return {"report": {}, "exit_code": None, "reason": f"The pod failed: {words}.".replace("..", ".")}
        return None
    report = _report(state.get("message", ""))
    out_of_memory = state.get("reason") == "OOMKilled"
    reason, hint = (
        f"The container ended with exit code {state['exitCode']} and left no report.",
        "Its last lines say why.",
    )
    if out_of_memory:
        reason, hint = "Out of memory: the kernel stopped it.", "Raise training_resources.memory, or use less."
        report = {**report, "reason": reason, "hint": hint, "state": "FAILED"}
    elif state["exitCode"] == _KILLED:
        reason, hint = "The pod was killed.", "Start it again: samerun train"
    elif not report and state.get("reason") in ("StartError", "ContainerCannotRun"):
        reason, hint = (
            f"The image could not start it: {state.get('message', '').strip()}",
            "Does training_python name an interpreter of the image?",
        )
    return {
        "report": report, "exit_code": None, "reason": reason, "hint": hint,
        "state": RunState.KILLED if state["exitCode"] == _KILLED and not out_of_memory else RunState.FAILED,
        "started_at": state.get("startedAt") or "", "ended_at": state.get("finishedAt") or "",
    }  # fmt: skip


def stuck(pod: Mapping[str, Any]) -> dict[str, str] | None:
    """Why the pod will not start, if it will not."""
    waiting = _state(pod).get("waiting", {})
    age = (datetime.now(UTC) - parse_time(pod["metadata"]["creationTimestamp"])).total_seconds()
    if waiting.get("reason") in _FATAL and age > _PATIENCE:
        return _explained(f"{waiting['reason']}: {waiting.get('message', '').strip()}")
    unscheduled = _unscheduled(pod)
    return _explained(unscheduled) if "not found" in unscheduled else None


def refused(events: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Why a Job gets no pod, from its events."""
    for event in events:
        if event.get("reason") == "FailedCreate":
            return _explained(str(event.get("message", "")))
    return None


def without_pod(job: Mapping[str, Any]) -> dict[str, Any] | None:
    """That a Job failed whose pod is not there any more, with the Job's own words."""
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["type"] == "Failed" and condition["status"] == "True":
            words = condition.get("message") or condition.get("reason") or "no reason is given"
            reason = f"The pod was removed before its end was seen: {words.rstrip('.')}."
            return {"state": RunState.KILLED, "reason": reason, "hint": "Start it again: samerun train"}
    return None


def waits_for(pod: Mapping[str, Any]) -> str:
    """One line for the person who waits; empty where there is nothing to say."""
    waiting = _state(pod).get("waiting", {})
    if waiting.get("reason") in (None, "ContainerCreating", "PodInitializing"):
        return _unscheduled(pod)
    return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")


def is_running(pod: Mapping[str, Any]) -> bool:
    return "running" in _state(pod)


def has_started(pod: Mapping[str, Any]) -> bool:
    """Whether there is a log to read."""
    return bool({"running", "terminated"} & set(_state(pod)))


def _state(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    state: Mapping[str, Any] = statuses[0].get("state") or {}
    return state


def _unscheduled(pod: Mapping[str, Any]) -> str:
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", ""))
    return ""


def _report(message: str) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _explained(words: str) -> dict[str, str]:
    hint = next((hint for part, hint in _HINTS.items() if part in words), "kubectl describe shows more.")
    return {"reason": f"The pod cannot start: {words.rstrip('.')}.", "hint": hint}
