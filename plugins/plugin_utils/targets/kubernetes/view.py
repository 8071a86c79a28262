# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the Job of a launch and its pods, and derives the outcome from them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.run import Outcome, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import jobs, pod_words, pods
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import FORBIDDEN, ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import outcome_from
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.reasons import Reasons

_FIRST_SECONDS = 2
Pod = Mapping[str, Any]


class JobView:
    """The Job and the pods of one launch, as last read.

    The last state seen of a pod is kept: once the pod is gone, only this state says how it ended.

    Attributes:
        pods: all pods seen, in the order in which they were made.
    """

    def __init__(self, cluster: Cluster, namespace: str, launch: str) -> None:
        self.cluster, self.namespace, self.launch = cluster, namespace, launch
        self.name = f"{kubernetes_job.NAMES}{launch}"
        self.reasons = Reasons(cluster, namespace, self.name)
        self.job: dict[str, Any] | None = None
        self._seen: dict[str, dict[str, Any]] = {}
        self._there: set[str] = set()
        self._version = ""

    def read(self) -> None:
        """Read the pods, then the Job, so that all pods of a Job that has ended are seen."""
        before = self._version
        found, self._version = self.cluster.listed("Pod", self.namespace, **self._selector)
        self._seen.update({pod["metadata"]["uid"]: pod for pod in found})
        self._there = {pod["metadata"]["uid"] for pod in found}
        gone = [uid for uid, pod in self._seen.items() if uid not in self._there and pods.ended(pod) is None]
        if gone and before:
            self._remember(gone, before)
        self.job = self.cluster.get("Job", self.name, self.namespace)

    def _remember(self, gone: list[str], version: str) -> None:
        """Read the last states of pods that were removed since `version`.

        A pod may be removed right after it ended, so a list may never show its end.
        """
        waits = set(gone)
        with contextlib.suppress(ApiError):  # the cluster no longer has the changes since `version`
            for kind, pod in self.cluster.watch("Pod", self.namespace, version, _FIRST_SECONDS, **self._selector):
                if kind == "DELETED":
                    self._seen[pod["metadata"]["uid"]] = pod
                    waits.discard(pod["metadata"]["uid"])
                if not waits:
                    return

    def wait(self, seconds: int) -> None:
        """Wait until a pod changes, counted from `read`; at most `seconds`."""
        started = time.monotonic()
        try:
            for _change in self.cluster.watch("Pod", self.namespace, self._version, seconds, **self._selector):
                break
        except ApiError as error:
            if not error.passing:
                raise
        if time.monotonic() - started < 0.1:  # a status changes in several steps, and a watch may fail at once (504)
            time.sleep(0.1)

    @property
    def _selector(self) -> dict[str, str]:
        return {"labelSelector": f"{LAUNCH_LABEL}={self.launch}"}

    @property
    def pods(self) -> list[dict[str, Any]]:
        return sorted(self._seen.values(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def is_there(self, pod: Pod) -> bool:
        return pod["metadata"]["uid"] in self._there

    def current(self, pod: Pod) -> Pod:
        """The last state seen of `pod`."""
        return self._seen[pod["metadata"]["uid"]]

    @property
    def attempts(self) -> int:
        """How many pods there were: those seen, or those that the Job's status counts, if these are more."""
        status = (self.job or {}).get("status", {})
        return max(len(self.pods), (status.get("failed") or 0) + (status.get("succeeded") or 0))

    def outcome(self) -> Outcome | None:
        """Derive from what was read how the launch ended; None while it runs."""
        found = self._outcome()
        return replace(found, attempts=self.attempts) if found else None

    def _outcome(self) -> Outcome | None:
        last = self.pods[-1] if self.pods else None
        if last is not None and (ended := pods.ended(last)) is not None:
            return self._after(last, ended)
        if self.job is None:
            removed = pod_words.taken_away("The Job was removed before its end was seen.")
            return outcome_from({}, exit_code=None, state=RunState.KILLED, gone=True, **removed)
        if jobs.is_cancelled(self.job) and not self._there:
            return outcome_from({}, exit_code=None, **jobs.cancelled(self.job))
        if last is None or not self.is_there(last):
            found = self.reasons.unborn(self.job, last)
        elif pods.is_leaving(last) and (words := self.lost(last)):
            found = self._without(self.job, last, words)
        else:
            # Only the first pod has a start timeout: a later pod may wait for a node as long as it takes.
            found = self.reasons.stuck(self.job, last, first=len(self.pods) == 1)
        if found and "state" not in found:
            return self._never_ran(found)
        return outcome_from({}, exit_code=None, **found) if found else None

    def lost(self, pod: Pod) -> str:
        """Say why the node of a pod counts as lost, empty if it does not; costs a request if the pod is not ready."""
        if pods.is_ready(pod) or not (name := pod["spec"].get("nodeName")):
            return ""
        try:
            return pods.node_lost(self.cluster.get("Node", name))
        except ApiError as error:
            if error.status != FORBIDDEN:
                raise
        # Without permission to read nodes, all we see is a pod that should have ended by now.
        return "its pod was to end, and did not" if pods.overdue(pod) else ""

    def _after(self, last: Pod, ended: dict[str, Any]) -> Outcome | None:
        """Derive the outcome from the end of the last pod; None if the Job may replace this pod."""
        job = self.job
        if job is None:
            return outcome_from(**ended)
        if jobs.may_replace(job, last):
            refused = self.reasons.refused(since=ended["ended_at"])
            return outcome_from({}, exit_code=None, **refused) if refused else None
        if not ended["report"] or ended["report"].get("state") == "KILLED":
            limited = jobs.limited(job)
            if jobs.is_cancelled(job) and not limited and (not ended["report"] or pods.taken_away(last)):
                # The pod was removed by the cancellation, or its interpreter ended while it started.
                limited = jobs.cancelled(job)
            ended |= limited or ({} if ended["report"] else pods.last_words(last, self.reasons.tail(last)))
            ended["report"] = {**ended["report"], **limited} if ended["report"] else {}
        return outcome_from(**ended)

    def _never_ran(self, found: Mapping[str, str]) -> Outcome:
        """The outcome of a launch that cannot start. If no pod ever ran, there is no MLflow run to close."""
        first = not any(map(pods.has_started, self.pods))
        done = {"closed": True, "kept": True, "exit_code": None, "state": "FAILED", **found} if first else {}
        return outcome_from(done, exit_code=None, **({} if first else found))

    def _without(self, job: Mapping[str, Any], pod: Pod, words: str) -> dict[str, Any] | None:
        """Handle a pod that must leave its node; the node is lost, so it cannot confirm that the pod ended.

        If the Job may replace the pod, release it, so that the Job does not wait for ever; else report the loss.
        """
        if jobs.may_replace(job, pod):
            self.cluster.release(pod)
            return None
        lost = pod_words.lost_node(pod["spec"]["nodeName"], words)
        return {"state": RunState.KILLED, **lost}
