# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds in events and in the last lines of a log why a launch does not start, or ended without a report."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import jobs, pod_words, pods
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import pod as kubernetes_pod

_START_SECONDS = 60
_MOUNT_SECONDS = 10  # a node tries a failed mount again, and the volume may appear after a moment
_MOUNTS = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
Object = Mapping[str, Any]


class Reasons:
    """Reads events and logs of one launch, if the status of its Job and pods does not say enough.

    Args:
        name: the name of the Job.
    """

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self.cluster, self.namespace, self.name = cluster, namespace, name

    def stuck(self, job: Object, pod: Object, *, first: bool) -> dict[str, Any] | None:
        """Say why a pod will not start; None if it may still start.

        Args:
            first: whether it is the launch's first pod; `training_start_timeout` holds only for this one.
        """
        timeout = (job["metadata"].get("annotations") or {}).get(kubernetes_job.START_TIMEOUT, "0")
        found = pods.stuck(pod, int(timeout) if first else 0)
        if found is None:
            words = self.mounts(pod)
            too_late = pods.age(pod) > _MOUNT_SECONDS and pod_words.is_final(words)
            return pod_words.cannot_start(words) if too_late else None
        if any(event.get("reason") == "TriggeredScaleUp" for event in self._events(pod["metadata"]["name"])):
            return None  # a node is on its way
        for claim in pods.claims(pod) if pod_words.is_about_claims(pods.waits_for_node(pod)) else ():
            if words := self._warning(claim):
                found["reason"] = f"{found['reason'].rstrip('.')} ({claim}: {words.rstrip('.')})."
        return found

    def mounts(self, pod: Object) -> str:
        """Say why the node cannot make the pod's container; empty if nothing prevents it, or it is too early to say."""
        if pods.has_started(pod) or not pod["spec"].get("nodeName") or pods.age(pod) < pods.PATIENCE:
            return ""
        return self._warning(pod["metadata"]["name"], _MOUNTS)

    def unborn(self, job: Object, last: Object | None) -> dict[str, Any] | None:
        """Say why a Job has no pod; None if it may still get one."""
        if job["spec"].get("suspend"):
            if kubernetes_job.queued(job) or pods.age(job) < _START_SECONDS:
                return None
            return Why(Cause.UNSTARTABLE, "The Job was created and never started.", causes.AGAIN).facts
        if limited := jobs.limited(job):
            return limited
        if jobs.over(job):
            names = [last["metadata"]["name"]] if last else self._pod_names()
            return jobs.without_pod(job, [e for name in names for e in self._events(name)])
        return self.refused() if last is None else None

    def refused(self, since: str = "") -> dict[str, str] | None:
        """Say why the cluster refuses to make the Job's pod; None if it does not.

        Args:
            since: the time of the oldest event that counts; empty for all events.
        """
        return jobs.refused(self._events(self.name, since))

    def _pod_names(self) -> list[str]:
        made = [event for event in self._events(self.name) if event.get("reason") == "SuccessfulCreate"]
        return [pod_words.created(str(event.get("message", ""))) for event in made][-1:]

    def tail(self, pod: Object) -> str:
        """Read the last lines of a pod's log; empty if it has none."""
        query = {"tailLines": "5", "container": kubernetes_pod.CONTAINER}
        with contextlib.suppress(ApiError):
            return b"".join(self.cluster.log(pod["metadata"]["name"], self.namespace, query)).decode(errors="replace")
        return ""

    def _events(self, name: str, since: str = "") -> list[dict[str, Any]]:
        """Read the events of an object; none without permission."""
        with contextlib.suppress(ApiError):
            found = self.cluster.find("Event", self.namespace, fieldSelector=f"involvedObject.name={name}")
            return [event for event in found if (event.get("lastTimestamp") or "9") >= since]
        return []

    def _warning(self, name: str, reasons: tuple[str, ...] = ()) -> str:
        """Read the message of the newest warning about an object; empty for none."""
        found = [event for event in self._events(name) if event.get("type") == "Warning"]
        told = [event for event in found if not reasons or event.get("reason") in reasons]
        return str(max(told, key=lambda event: str(event.get("lastTimestamp")))["message"]) if told else ""
