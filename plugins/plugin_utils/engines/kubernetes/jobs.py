# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the state of a launch from its Job's data, over all its pods. Nothing here asks the cluster."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import pod_words, pods

CANCELLED = "samerun.dev/cancelled"  # annotation: the signal, and whether the script had not started yet
_OVER = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")
# Reasons in the events of a removed pod, and what they mean; the most specific comes first.
_TAKEN = {
    "Evicted": "The pod was evicted", "Preempted": "The pod had to make room for one of a higher priority",
    "TaintManagerEviction": "The pod's node was lost or drained", "NodeNotReady": "The pod's node was lost",
    "Killing": "The pod was deleted",
}  # fmt: skip


def is_cancelled(job: Mapping[str, Any]) -> str:
    """Return the note by which the Job was cancelled; empty if it was not."""
    return str((job["metadata"].get("annotations") or {}).get(CANCELLED, ""))


def over(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the condition after which the Job starts no more pods; empty while it may start one."""
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["type"] in _OVER and condition["status"] == "True":
            found: Mapping[str, Any] = condition
            return found
    return {}


def may_replace(job: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether the Job may start a new pod in place of `pod`, which has ended."""
    policy = job["spec"].get("podFailurePolicy")
    if over(job) or is_cancelled(job):
        return False
    if job["spec"].get("suspend"):
        return True  # its queue suspended it, and will start it again
    if not policy:
        return False
    code = pods.container_state(pod).get("terminated", {}).get("exitCode")
    if code == 0:
        return False
    if pods.taken_away(pod):
        return True  # the policy's first rule ignores disruptions, and a deleted pod is no failure of the script
    for rule in policy["rules"]:
        codes = rule.get("onExitCodes")
        if rule["action"] == "FailJob" and codes and code is not None:
            return bool((code in codes["values"]) is (codes["operator"] == "NotIn"))
    return True


def limited(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts if the Job's own time limit ended it; empty if it did not."""
    condition = over(job)
    if condition.get("reason") != "DeadlineExceeded":
        return {}
    limit = job["spec"].get("activeDeadlineSeconds")
    reason = f"It was stopped after the Job's time limit of {limit} s, in which it was to start as well."
    return {"state": RunState.FAILED, **Why(Cause.TIME_LIMIT, reason, "Raise training_timeout.").facts}


def without_pod(job: Mapping[str, Any], events: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any] | None:
    """Return the facts of a failed Job whose pod was removed, from the pod's events or else the Job's condition."""
    condition = over(job)
    if condition.get("type") not in ("Failed", "FailureTarget"):
        return None
    reasons = {event.get("reason"): event.get("message", "") for event in events}
    for kind, what in _TAKEN.items():
        if kind in reasons:
            words = f"{what}: {reasons[kind]}".rstrip(".: ")
            return {"state": RunState.KILLED, **pod_words.taken_away(f"{words}.")}
    words = condition.get("message") or condition.get("reason") or "no reason is given"
    reason = f"The pod was removed before its end was seen: {words.rstrip('.')}."
    return {"state": RunState.KILLED, **pod_words.taken_away(reason)}


def refused(events: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return why a Job cannot create its pod, from its events; None if it can, or may later."""
    for event in events:
        message = str(event.get("message", ""))
        if event.get("reason") == "FailedCreate" and pod_words.is_refused(message):
            return pod_words.cannot_start(pod_words.refused_creation(message))
    return None


def cancelled(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a launch that was cancelled and left no report."""
    name, _space, before = is_cancelled(job).partition(" ")
    return {"state": RunState.KILLED, **causes.cancelled(signal.Signals[name], started=not before).facts}


def cancel_note(number: int, *, started: bool) -> str:
    """Return the value of the annotation CANCELLED for a launch that is cancelled by signal `number`."""
    return f"{signal.Signals(number).name}{'' if started else ' before the script started'}"
