# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Job says of a launch, over all its pods. Everything here is read from data; nothing asks the cluster."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import pod_words, pods

CANCELLED = "samerun.dev/cancelled"  # an annotation: by which signal, and that its script had not started, if so
_OVER = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")
# What the events of a pod that is gone say about why, the more telling first.
_TAKEN = {
    "Evicted": "The pod was evicted", "Preempted": "The pod had to make room for one of a higher priority",
    "TaintManagerEviction": "The pod's node was lost or drained", "NodeNotReady": "The pod's node was lost",
    "Killing": "The pod was deleted",
}  # fmt: skip


def is_cancelled(job: Mapping[str, Any]) -> str:
    """What it was cancelled by, empty if it was not."""
    return str((job["metadata"].get("annotations") or {}).get(CANCELLED, ""))


def over(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """The condition by which the Job starts no other pod, empty while it may."""
    for condition in job.get("status", {}).get("conditions") or []:
        if condition["type"] in _OVER and condition["status"] == "True":
            found: Mapping[str, Any] = condition
            return found
    return {}


def may_replace(job: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether the Job may start another pod for one that has ended."""
    policy = job["spec"].get("podFailurePolicy")
    if over(job) or is_cancelled(job):
        return False
    if job["spec"].get("suspend"):
        return True  # by its queue, which starts it again
    if not policy:
        return False
    code = pods.container_state(pod).get("terminated", {}).get("exitCode")
    if code == 0:
        return False
    if pods.taken_away(pod):
        return True  # the policy's rule for disruptions comes first, and a deleted pod is none of the script's failures
    for rule in policy["rules"]:
        codes = rule.get("onExitCodes")
        if rule["action"] == "FailJob" and codes and code is not None:
            return bool((code in codes["values"]) is (codes["operator"] == "NotIn"))
    return True


def limited(job: Mapping[str, Any]) -> dict[str, Any]:
    """That the Job's own time limit ended it, empty if it did not."""
    condition = over(job)
    if condition.get("reason") != "DeadlineExceeded":
        return {}
    limit = job["spec"].get("activeDeadlineSeconds")
    reason = f"It was stopped after the Job's time limit of {limit} s, in which it was to start as well."
    return {"state": RunState.FAILED, **Why(Cause.TIME_LIMIT, reason, "Raise training_timeout.").facts}


def without_pod(job: Mapping[str, Any], events: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any] | None:
    """That a Job failed whose pod is not there any more, with the pod's events or the Job's own words."""
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
    """Why a Job gets no pod, from its events."""
    for event in events:
        message = str(event.get("message", ""))
        if event.get("reason") == "FailedCreate" and pod_words.is_refused(message):
            return pod_words.cannot_start(pod_words.refused_creation(message))
    return None


def cancelled(job: Mapping[str, Any]) -> dict[str, Any]:
    """Of a launch that was cancelled and left no report."""
    name, _space, before = is_cancelled(job).partition(" ")
    return {"state": RunState.KILLED, **causes.cancelled(signal.Signals[name], started=not before).facts}


def cancel_note(number: int, *, started: bool) -> str:
    """What the annotation CANCELLED holds once the launch is cancelled by signal `number`."""
    return f"{signal.Signals(number).name}{'' if started else ' before the script started'}"
