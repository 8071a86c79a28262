# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Translates a cluster's messages about a pod into a cause, a reason and the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why

DESCRIBE = "kubectl describe pod shows more."
_MORE_RETRIES = "Start it again: samerun train, or let the cluster do so: training_retries."
_ARCHITECTURE = (
    "The image is for another processor: build it for the nodes' one, or choose nodes: training_node_selector."
)
# Reasons for which a waiting container does not start; some of them pass within seconds.
_FATAL = (
    "CreateContainerConfigError", "CreateContainerError", "ErrImagePull", "ErrImageNeverPull", "ImagePullBackOff",
    "InvalidImageName", "RunContainerError",
)  # fmt: skip
# Words of reasons that never pass.
_FINAL = (
    "not found",
    "manifest unknown",
    "no match for platform",
    "access denied",
    "unauthorized",
    "invalid reference",
)
# The registry does not answer. The node tries again after 10 s; we do not wait for that.
_UNREACHABLE = ("connection refused", "no such host")
_HINTS = {
    "no match for platform": _ARCHITECTURE,
    "exec format error": _ARCHITECTURE,
    "Image": "Is the image's name right, and may the nodes pull it (samerun_registry, samerun_pull_secrets)?",
    "CreateContainer": "kubectl describe pod shows the object that is missing.",
    "quota": "Ask for less by training_resources, wait for other runs to end, or ask for more quota.",
    "PodSecurity": "Train in a namespace that samerun makes, or that admits the pod: training_namespace.",
    "persistentvolumeclaim": "Create the claim that training_volumes names in the training namespace.",
    "PersistentVolumeClaims": "kubectl get pvc shows the claim: does its storage class exist, and make volumes?",
    "no PriorityClass": "kubectl get priorityclasses lists them: training_priority_class.",
    "serviceaccount": "Create it in the training namespace, or name another: training_service_account.",
    "nodes are available": (
        "Ask for less (training_resources), for other nodes (training_node_selector, training_tolerations), or wait "
        "longer (training_start_timeout)."
    ),
}
_DISRUPTED = {
    "EvictionByEvictionAPI": "The pod was evicted",
    "PreemptionByScheduler": "The pod had to make room for one of a higher priority",
    "DeletionByTaintManager": "The pod's node was lost or drained",
    "DeletionByPodGC": "The pod's node is gone",
    "TerminationByKubelet": "The node ended the pod",
}
_BY_KUBELET = {"Evicted": "The pod was evicted", "NodeLost": "The pod's node was lost"}
# Words of reasons for which a Job can never create its pod: something is forbidden, missing or invalid.
_REFUSED = ("forbidden", "not found", "nvalid")


def is_fatal(reason: str) -> bool:
    return reason in _FATAL


def is_about_image(reason: str) -> bool:
    """Whether a container waits for its image, by the name of the waiting reason."""
    return "Image" in reason


def is_final(message: str) -> bool:
    return any(part in message for part in _FINAL)


def is_image_lost(message: str) -> bool:
    """Whether the image cannot be pulled, by the node's message."""
    return any(part in message for part in (*_FINAL, *_UNREACHABLE))


def is_refused(message: str) -> bool:
    return any(part in message for part in _REFUSED)


def is_missing(message: str) -> bool:
    """Whether an object that the pod names does not exist."""
    return "not found" in message


def is_about_claims(message: str) -> bool:
    """Whether the pod waits for the volumes of its claims."""
    return "PersistentVolumeClaim" in message


def is_foreign(message: str) -> bool:
    """Whether a program is built for another processor."""
    return "exec format error" in message


def created(message: str) -> str:
    """Return the pod's name from the event "Created pod: NAME" of a Job."""
    return message.rpartition(" ")[2]


def refused_creation(message: str) -> str:
    """Return why a Job's pod was not created, without the fixed first words of such an event."""
    return message.removeprefix("Error creating: ")


def cannot_start(words: str) -> dict[str, str]:
    hint = next((hint for part, hint in _HINTS.items() if part in words), DESCRIBE)
    return Why(Cause.UNSTARTABLE, f"The pod cannot start: {words.rstrip('.')}.", hint).facts


def unstartable(message: str) -> dict[str, str]:
    """Return the facts of a container whose first program the node could not start."""
    hint = _ARCHITECTURE if is_foreign(message) else "Does training_python name an interpreter of the image?"
    return Why(Cause.UNSTARTABLE, f"The image could not start it: {message.rstrip('.')}.", hint).facts


def disrupted(reason: str, message: str) -> dict[str, str]:
    what = _DISRUPTED.get(reason, "The cluster took the pod away")
    return taken_away(f"{what}: {(message or reason).rstrip('.')}.", _MORE_RETRIES)


def by_kubelet(status: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of a failed pod that its node ended; empty for any other pod."""
    what = _BY_KUBELET.get(status.get("reason", ""))
    words = str(status.get("message", "")).strip().rstrip(".")
    return taken_away(f"{what}: {words}.", _MORE_RETRIES) if what else {}


def lost_node(name: str, words: str) -> dict[str, str]:
    return taken_away(f"The node {name} was lost with the pod: {words}.", _MORE_RETRIES)


def taken_away(reason: str, hint: str = causes.AGAIN) -> dict[str, str]:
    """Return the facts of a launch whose pod or Job was ended from outside."""
    return Why(Cause.TAKEN_AWAY, reason, hint).facts
