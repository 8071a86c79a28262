"""Why a launch does not start is asked of events, claims and logs."""

from __future__ import annotations

from typing import Any

import fakes_cluster
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.run import now
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.reasons import Reasons


@pytest.fixture
def cluster() -> fakes_cluster.FakeCluster:
    return fakes_cluster.FakeCluster()


@pytest.fixture
def reasons(cluster: fakes_cluster.FakeCluster) -> Reasons:
    return Reasons(cluster, "training", "the-job")


def event(cluster: fakes_cluster.FakeCluster, about: str, reason: str, message: str, kind: str = "Warning") -> None:
    name = f"{about}.{len(cluster.fake.kept)}"
    cluster.add(
        {
            "kind": "Event", "metadata": {"name": name, "namespace": "training"}, "reason": reason, "type": kind,
            "message": message, "involvedObject": {"name": about}, "lastTimestamp": f"2026-01-01T00:00:0{len(name)}Z",
        }
    )  # fmt: skip


def job(*, made: str = fakes_cluster.LONG_AGO, suspend: bool = False, queue: str = "", timeout: int = 10) -> Any:
    labels = {kubernetes_job.QUEUE_LABEL: queue} if queue else {}
    annotations = {kubernetes_job.START_TIMEOUT: str(timeout)}
    metadata = {"name": "the-job", "labels": labels, "annotations": annotations, "creationTimestamp": made}
    return {"kind": "Job", "metadata": metadata, "spec": {"suspend": suspend}}


def pod(state: dict[str, Any] | None = None, **spec: Any) -> Any:
    found = fakes_cluster.pod("the-pod", "training", state)
    found["metadata"]["creationTimestamp"] = fakes_cluster.LONG_AGO
    found["spec"] |= spec
    return found


def unscheduled(words: str, **spec: Any) -> Any:
    found = pod(**spec)
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "message": words,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    found["status"] = {"conditions": [condition]}
    return found


def test_a_pod_that_no_node_takes_is_given_up_after_the_time_that_was_asked_for(reasons: Reasons) -> None:
    full = unscheduled("0/3 nodes are available")
    found = reasons.stuck(job(), full, first=True)
    assert found is not None
    assert found["reason"] == "The pod cannot start: 0/3 nodes are available."
    assert reasons.stuck(job(timeout=0), full, first=True) is None
    assert reasons.stuck(job(), full, first=False) is None, "another attempt waits"


def test_a_node_that_is_on_its_way_is_waited_for(reasons: Reasons, cluster: fakes_cluster.FakeCluster) -> None:
    event(cluster, "the-pod", "TriggeredScaleUp", "pod triggered scale-up", "Normal")
    assert reasons.stuck(job(), unscheduled("0/3 nodes are available"), first=True) is None


def test_a_claim_that_gets_no_volume_says_its_own_reason(reasons: Reasons, cluster: fakes_cluster.FakeCluster) -> None:
    event(cluster, "data", "ProvisioningFailed", "storageclass fast not found.")
    volumes = [{"persistentVolumeClaim": {"claimName": "data"}}]
    found = reasons.stuck(
        job(), unscheduled("pod has unbound immediate PersistentVolumeClaims", volumes=volumes), first=True
    )
    assert found is not None
    assert found["reason"].endswith("PersistentVolumeClaims (data: storageclass fast not found).")


def test_what_a_node_cannot_mount_is_told_once_it_will_not_come(
    reasons: Reasons, cluster: fakes_cluster.FakeCluster
) -> None:
    assert reasons.stuck(job(), pod(), first=True) is None
    event(cluster, "the-pod", "FailedMount", 'MountVolume failed: secret "keys" not found')
    found = reasons.stuck(job(), pod(), first=True)
    assert found is not None
    assert 'secret "keys" not found' in found["reason"]
    assert reasons.mounts(pod({"running": {}})) == ""


def test_a_suspended_job_is_waited_for_where_a_queue_has_it_or_somebody_submits_it(reasons: Reasons) -> None:
    assert reasons.unborn(job(suspend=True, queue="team"), None) is None
    assert reasons.unborn(job(suspend=True, made=now()), None) is None
    found = reasons.unborn(job(suspend=True), None)
    assert found is not None
    assert found["reason"] == "The Job was created and never started."


def test_a_pod_that_the_cluster_forbids_is_told_by_the_jobs_events(
    reasons: Reasons, cluster: fakes_cluster.FakeCluster
) -> None:
    assert reasons.unborn(job(), None) is None
    event(cluster, "the-job", "FailedCreate", "Error creating: pods is forbidden: exceeded quota: small")
    found = reasons.unborn(job(), None)
    assert found is not None
    assert found["reason"] == "The pod cannot start: pods is forbidden: exceeded quota: small."


def test_whoever_may_not_read_events_and_logs_is_told_nothing_of_them(
    reasons: Reasons, cluster: fakes_cluster.FakeCluster
) -> None:
    event(cluster, "the-job", "FailedCreate", "Error creating: pods is forbidden")
    cluster.fake.refuses["GET", "events"] = ApiError(403, "forbidden")
    assert reasons.refused() is None


def test_the_last_lines_of_a_pod_are_its_log(reasons: Reasons, cluster: fakes_cluster.FakeCluster) -> None:
    cluster.logs["the-pod"] = b"one\n\xff\n"
    assert reasons.tail(pod()) == "one\n\ufffd\n"
