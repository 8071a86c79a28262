"""What a launch's Job, pods, nodes and events say together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import jobs
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.view import JobView

LONG_AGO = "2026-01-01T00:00:00Z"
POLICY = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [137, 143]}}]}
NOT_READY = {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped."}]}}


class Fake(Cluster):
    """A cluster with one launch.

    Attributes:
        released: the pods that were let go.
    """

    def __init__(
        self, job: Mapping[str, Any] | None, pods: list[dict[str, Any]], node: Any = None, events: Any = ()
    ) -> None:
        self.job, self.pods, self.node, self.events = job, pods, node, list(events)
        self.released: list[str] = []

    def listed(self, kind: str, namespace: str = "", **selectors: str) -> tuple[list[dict[str, Any]], str]:
        return self.pods, ""

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        return self.events

    def get(self, kind: str, name: str, namespace: str = "") -> Any:
        found = self.node if kind == "Node" else self.job
        if isinstance(found, Exception):
            raise found
        return found

    def release(self, pod: Mapping[str, Any]) -> None:
        self.released.append(pod["metadata"]["name"])


def job(*, suspend: bool = False, queue: str = "", cancelled: str = "", retries: bool = False) -> dict[str, Any]:
    labels = {kubernetes_job.QUEUE_LABEL: queue} if queue else {}
    annotations = {jobs.CANCELLED: cancelled} if cancelled else {}
    policy = {"podFailurePolicy": POLICY} if retries else {}
    metadata = {"labels": labels, "annotations": annotations, "creationTimestamp": LONG_AGO}
    return {"metadata": metadata, "spec": {"suspend": suspend, **policy}}


def leaving(name: str = "pod") -> dict[str, Any]:
    """A pod that runs, as far as anybody knows, and was to end long ago."""
    metadata = {"name": name, "uid": name, "creationTimestamp": LONG_AGO, "deletionTimestamp": LONG_AGO}
    status = {"containerStatuses": [{"name": "training", "state": {"running": {}}}]}
    return {"metadata": metadata, "spec": {"nodeName": "node-2"}, "status": status}


def looked_at(cluster: Fake) -> JobView:
    view = JobView(cluster, "training", "launch")
    view.read()
    return view


WITHOUT_PODS: dict[str, tuple[dict[str, Any] | None, str]] = {
    "removed": (None, "The Job was removed before its end was seen."),
    "waiting in a queue": (job(suspend=True, queue="team"), ""),
    "never started": (job(suspend=True), "The Job was created and never started."),
    "cancelled": (job(suspend=True, cancelled="SIGINT"), "Cancelled by SIGINT."),
    "about to get a pod": (job(), ""),
}


@pytest.mark.parametrize("how", WITHOUT_PODS)
def test_a_job_without_a_pod_goes_on_or_says_why_not(how: str) -> None:
    given, reason = WITHOUT_PODS[how]
    outcome = looked_at(Fake(given, [])).outcome()
    assert (outcome.reason if outcome else "") == reason


@pytest.mark.parametrize(
    "node", [NOT_READY, None, ApiError(403, "forbidden")], ids=["not ready", "removed", "not for us to see"]
)
def test_a_pod_on_a_lost_node_is_let_go_where_the_job_may_replace_it(node: Any) -> None:
    cluster = Fake(job(retries=True), [leaving()], node)
    assert looked_at(cluster).outcome() is None
    assert cluster.released == ["pod"]


@pytest.mark.parametrize("given", [job(), job(retries=True, cancelled="SIGTERM")], ids=["no retries", "cancelled"])
def test_a_pod_on_a_lost_node_is_given_up_where_nothing_replaces_it(given: dict[str, Any]) -> None:
    cluster = Fake(given, [leaving()], NOT_READY)
    outcome = looked_at(cluster).outcome()
    assert outcome is not None
    assert (outcome.state, outcome.reason) == (
        RunState.KILLED,
        "The node node-2 was lost with the pod: Kubelet stopped.",
    )
    assert cluster.released == []


TOLD = '{"state": "KILLED", "exit_code": null, "reason": "Cancelled by SIGTERM."}'


@pytest.mark.parametrize("code, report", [(137, ""), (143, TOLD), (130, "")])
def test_a_pod_that_is_taken_away_by_a_cancel_says_so(code: int, report: str) -> None:
    pod = leaving()
    ended = {"exitCode": code, "message": report, "finishedAt": LONG_AGO}
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": ended}
    given = job(suspend=True, cancelled="SIGINT before the script started")
    outcome = looked_at(Fake(given, [pod])).outcome()
    assert outcome is not None
    assert (outcome.state, outcome.exit_code) == (RunState.KILLED, None)
    assert (outcome.cause, outcome.cancelled_by) == (Cause.CANCELLED, "SIGINT")
    assert outcome.reason == "Cancelled by SIGINT before the script started."


def test_a_pod_that_takes_its_time_to_end_is_waited_for() -> None:
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    pod = leaving()
    del pod["metadata"]["deletionTimestamp"]
    assert looked_at(Fake(job(), [pod], ready)).outcome() is None


def test_what_cannot_start_leaves_nothing_to_be_closed_in_mlflow() -> None:
    event = {"reason": "FailedCreate", "message": "Error creating: pods is forbidden: violates PodSecurity"}
    outcome = looked_at(Fake(job(), [], events=[event])).outcome()
    assert outcome is not None
    assert (outcome.state, outcome.cause) == (RunState.FAILED, Cause.UNSTARTABLE)
    assert outcome.report["closed"]


@pytest.mark.parametrize("why, told", [("has unbound immediate PersistentVolumeClaims", True), ("no room", False)])
def test_a_claim_without_a_volume_is_told_of_a_pod_that_waits_for_one(why: str, told: bool) -> None:
    pod = leaving()
    del pod["metadata"]["deletionTimestamp"]
    pod["spec"] = {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}
    unscheduled = {"type": "PodScheduled", "status": "False", "message": why, "lastTransitionTime": LONG_AGO}
    pod["status"] = {"conditions": [unscheduled]}
    given = job()
    given["metadata"]["annotations"][kubernetes_job.START_TIMEOUT] = "10"
    warning = {"type": "Warning", "reason": "ProvisioningFailed", "message": "no storage class."}
    outcome = looked_at(Fake(given, [pod], events=[warning])).outcome()
    assert outcome is not None
    assert outcome.reason == f"The pod cannot start: {why}{' (data: no storage class)' if told else ''}."
