from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import pods

REPORT = {"exit_code": 3, "state": "FAILED", "reason": "train.py ended with exit code 3."}
LONG_AGO = timedelta(minutes=5)
JUST_NOW = timedelta(hours=-1)  # tests are collected long before they run


def pod(state: dict[str, Any] | None = None, age: timedelta = LONG_AGO, **status: Any) -> dict[str, Any]:
    created = (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")
    containers = {"containerStatuses": [{"state": state}]} if state else {}
    return {"metadata": {"creationTimestamp": created, "name": "x"}, "status": {**containers, **status}}


def terminated(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:05Z"}
    return {"terminated": {"exitCode": code, "message": message, "reason": reason, **times}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def unscheduled(message: str, since: int = -3600) -> dict[str, Any]:
    when = (datetime.now(UTC) - timedelta(seconds=since)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"conditions": [{"type": "PodScheduled", "status": "False", "message": message, "lastTransitionTime": when}]}


ENDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "with a report": (pod(terminated(3, json.dumps(REPORT))), {"report": REPORT, "state": RunState.FAILED}),
    "without a report": (pod(terminated(1, "no JSON")), {"report": {}, "state": RunState.FAILED, "cause": "unknown"}),
    "killed": (
        pod(terminated(137)),
        {"report": {}, "state": RunState.KILLED, "cause": "taken_away", "reason": "The pod was killed."},
    ),
    "out of memory": (
        pod(terminated(137, reason="OOMKilled")),
        {"state": RunState.FAILED, "cause": "out_of_memory", "reason": "Out of memory: the kernel stopped it."},
    ),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="low on disk."),
        {"reason": "The pod was evicted: low on disk.", "cause": "taken_away", "state": RunState.KILLED},
    ),
    "failed without a word": (
        pod(phase="Failed"),
        {"reason": "The pod failed: it says no reason.", "cause": "unknown"},
    ),
    "no such interpreter": (
        pod(terminated(128, "exec: nopython: not found", "StartError")),
        {"reason": "The image could not start it: exec: nopython: not found.", "cause": "unstartable"},
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_an_end_is_told_with_its_reason(how: str) -> None:
    given, expected = ENDS[how]
    found = pods.ended(given)
    assert found is not None
    assert {key: found[key] for key in expected} == expected
    assert found["exit_code"] is None


DISRUPTION = {"type": "DisruptionTarget", "status": "True", "message": "Eviction API: evicting."}
TAKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "evicted": ("KILLED", {"conditions": [{**DISRUPTION, "reason": "EvictionByEvictionAPI"}]}, "The pod was evicted: "),
    "preempted": ("KILLED", {"conditions": [{**DISRUPTION, "reason": "PreemptionByScheduler"}]}, "higher priority"),
    "drained": ("KILLED", {"conditions": [{**DISRUPTION, "reason": "DeletionByTaintManager"}]}, "lost or drained"),
    "deleted": ("KILLED", {}, "The pod was deleted."),
    "failed while it was to go": ("FAILED", {}, "train.py ended with exit code 3."),
}


@pytest.mark.parametrize("how", TAKEN)
def test_a_pod_that_was_taken_away_is_told_from_a_cancelled_script(how: str) -> None:
    state, status, words = TAKEN[how]
    told = {**REPORT, "state": state, **(causes.cancelled(15).facts if state == "KILLED" else {})}
    given = pod(terminated(143, json.dumps(told)), **status)
    given["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found = pods.ended(given)
    assert found is not None
    assert words in found["report"]["reason"]
    assert found["report"]["exit_code"] == 3
    expected = {"cause": "taken_away", "cancelled_by": ""} if state == "KILLED" else {}
    assert expected.items() <= found["report"].items()


@pytest.mark.parametrize(
    "node, words",
    [
        (None, "it was removed from the cluster"),
        ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, ""),
        (
            {"status": {"conditions": [{"type": "Ready", "status": "Unknown", "message": "Kubelet stopped."}]}},
            "Kubelet",
        ),
        ({"status": {}}, "it is not ready"),
    ],
)
def test_a_lost_node_is_told_by_its_condition(node: dict[str, Any] | None, words: str) -> None:
    found = pods.node_lost(node)
    assert words in found
    assert bool(found) is bool(words)


def test_an_end_out_of_memory_overrules_the_report_of_the_shim() -> None:
    found = pods.ended(pod(terminated(137, json.dumps(REPORT), "OOMKilled")))
    assert found is not None
    assert found["report"]["cause"] == "out_of_memory"
    assert found["report"]["reason"] == "Out of memory: the kernel stopped it."
    assert found["report"]["exit_code"] == 3


@pytest.mark.parametrize("state", [None, {"running": {}}, waiting("ContainerCreating"), {}])
def test_what_goes_on_has_no_end(state: dict[str, Any] | None) -> None:
    assert pods.ended(pod(state)) is None


def stuck_pods() -> dict[str, tuple[dict[str, Any], str | None]]:
    """What a pod says, and a part of the hint, None for one that only waits; made anew, since they have an age."""
    return {
        "no image": (pod(waiting("ImagePullBackOff", "Back-off pulling x")), "training_image|samerun_registry"),
        "no secret": (pod(waiting("CreateContainerConfigError", 'secret "x" not found')), "kubectl describe pod"),
        "no claim": (pod(**unscheduled('persistentvolumeclaim "data" not found')), "training_volumes"),
        "no image yet": (pod(waiting("ErrImagePull", "x"), age=JUST_NOW), None),
        "being made": (pod(waiting("ContainerCreating")), None),
        "no room, which may come": (pod(**unscheduled("0/1 nodes are available: Insufficient cpu")), None),
        "no room, for longer than is waited": (
            pod(**unscheduled("0/1 nodes are available", since=60)),
            "training_node_sel",
        ),
        "no registry": (
            pod(waiting("ErrImagePull", "dial tcp [::1]:1: connect: connection refused"), age=JUST_NOW),
            "samerun_registry",
        ),
        "another architecture": (pod(waiting("ErrImagePull", "no match for platform"), age=JUST_NOW), "processor"),
        "running": (pod({"running": {}}), None),
    }


@pytest.mark.parametrize("how", stuck_pods())
def test_what_will_not_start_is_told_from_what_only_waits(how: str) -> None:
    given, hint = stuck_pods()[how]
    found = pods.stuck(given, start_timeout=10)
    assert (found is None) is (hint is None)
    if found and hint:
        assert any(word in found["hint"] for word in hint.split("|"))
        assert found["reason"].startswith("The pod cannot start: ")
        assert found["cause"] == "unstartable"


@pytest.mark.parametrize(
    "given, line",
    [
        (pod(waiting("ContainerCreating")), ""),
        (pod(waiting("ErrImagePull", "not found")), "ErrImagePull: not found"),
        (pod(**unscheduled("Insufficient cpu")), "Insufficient cpu"),
        (pod({"running": {}}), ""),
    ],
)
def test_who_waits_is_told_for_what(given: dict[str, Any], line: str) -> None:
    assert pods.waits_for(given) == line


def test_a_log_is_there_once_the_container_has_started() -> None:
    assert pods.has_started(pod({"running": {}}))
    assert pods.has_started(pod(terminated(0)))
    assert not pods.has_started(pod(waiting("ContainerCreating")))
    assert pods.is_running(pod({"running": {}}))
    assert not pods.is_running(pod(terminated(0)))
