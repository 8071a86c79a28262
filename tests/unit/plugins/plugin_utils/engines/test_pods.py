from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import pods

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


def unscheduled(message: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "message": message}]}


ENDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "with a report": (pod(terminated(3, json.dumps(REPORT))), {"report": REPORT, "state": RunState.FAILED}),
    "without a report": (pod(terminated(1, "no JSON")), {"report": {}, "state": RunState.FAILED}),
    "killed": (pod(terminated(137)), {"report": {}, "state": RunState.KILLED, "reason": "The pod was killed."}),
    "out of memory": (
        pod(terminated(137, reason="OOMKilled")),
        {"state": RunState.FAILED, "reason": "Out of memory: the kernel stopped it."},
    ),
    "evicted": (
        pod(phase="Failed", reason="Evicted", message="low on disk."),
        {"reason": "The pod failed: low on disk."},
    ),
    "failed without a word": (pod(phase="Failed"), {"reason": "The pod failed: it says no reason."}),
    "no such interpreter": (
        pod(terminated(128, "exec: nopython: not found", "StartError")),
        {"reason": "The image could not start it: exec: nopython: not found"},
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_an_end_is_told_with_its_reason(how: str) -> None:
    given, expected = ENDS[how]
    found = pods.ended(given)
    assert found is not None
    assert {key: found[key] for key in expected} == expected
    assert found["exit_code"] is None


def test_an_end_out_of_memory_overrules_the_report_of_the_shim() -> None:
    found = pods.ended(pod(terminated(137, json.dumps(REPORT), "OOMKilled")))
    assert found is not None
    assert found["report"]["reason"] == "Out of memory: the kernel stopped it."
    assert found["report"]["exit_code"] == 3


@pytest.mark.parametrize("state", [None, {"running": {}}, waiting("ContainerCreating"), {}])
def test_what_goes_on_has_no_end(state: dict[str, Any] | None) -> None:
    assert pods.ended(pod(state)) is None


STUCK: dict[str, tuple[dict[str, Any], str | None]] = {
    "no image": (pod(waiting("ImagePullBackOff", "Back-off pulling x")), "training_image|samerun_registry"),
    "no secret": (pod(waiting("CreateContainerConfigError", 'secret "x" not found')), "kubectl describe pod"),
    "no claim": (pod(**unscheduled('persistentvolumeclaim "data" not found')), "training_volumes"),
    "no image yet": (pod(waiting("ErrImagePull", "x"), age=JUST_NOW), None),
    "being made": (pod(waiting("ContainerCreating")), None),
    "no room, which may come": (pod(**unscheduled("0/1 nodes are available: Insufficient cpu")), None),
    "running": (pod({"running": {}}), None),
}


@pytest.mark.parametrize("how", STUCK)
def test_what_will_not_start_is_told_from_what_only_waits(how: str) -> None:
    given, hint = STUCK[how]
    found = pods.stuck(given)
    assert (found is None) is (hint is None)
    if found and hint:
        assert any(word in found["hint"] for word in hint.split("|"))
        assert found["reason"].startswith("The pod cannot start: ")


@pytest.mark.parametrize(
    "message, hint",
    [
        ('pods "x" is forbidden: exceeded quota: q', "quota"),
        ('pods "x" is forbidden: violates PodSecurity "restricted"', "training_namespace"),
    ],
)
def test_a_job_without_a_pod_says_what_the_cluster_says(message: str, hint: str) -> None:
    found = pods.refused([{"reason": "SuccessfulCreate"}, {"reason": "FailedCreate", "message": message}])
    assert found is not None
    assert message in found["reason"]
    assert hint in found["hint"]
    assert pods.refused([{"reason": "SuccessfulCreate"}]) is None


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


def test_a_failed_job_without_a_pod_has_ended_with_its_own_words() -> None:
    failed = {"type": "Failed", "status": "True", "message": "It has reached its limit."}
    ended = pods.without_pod({"status": {"conditions": [failed]}})
    assert ended is not None
    assert "It has reached its limit." in ended["reason"]
    assert ended["state"] is RunState.KILLED
    assert pods.without_pod({"status": {"conditions": [{**failed, "status": "False"}]}}) is None
    assert pods.without_pod({"status": {}}) is None
