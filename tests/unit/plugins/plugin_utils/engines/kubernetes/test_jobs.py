from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import jobs

POLICY = {
    "rules": [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [137, 143]}},
    ]
}


def job(condition: str = "", retries: bool = True, cancelled: str = "", **more: Any) -> dict[str, Any]:
    annotations = {jobs.CANCELLED: cancelled} if cancelled else {}
    conditions = [{"type": condition, "status": "True", **more}] if condition else []
    return {
        "metadata": {"name": "x", "annotations": annotations},
        "spec": {"activeDeadlineSeconds": 60, **({"podFailurePolicy": POLICY} if retries else {})},
        "status": {"conditions": conditions},
    }


def pod(code: int | None, **metadata: Any) -> dict[str, Any]:
    state = {} if code is None else {"terminated": {"exitCode": code}}
    return {"metadata": metadata, "status": {"containerStatuses": [{"name": "training", "state": state}]}}


REPLACED: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "killed": (job(), pod(137), True),
    "terminated": (job(), pod(143), True),
    "failed by itself": (job(), pod(1), False),
    "finished": (job(), pod(0), False),
    "on a lost node": (job(), pod(None), True),
    "deleted": (job(), pod(1, deletionTimestamp="2026-01-01T00:00:00Z"), True),
    "killed too often": (job("FailureTarget"), pod(137), False),
    "killed without retries": (job(retries=False), pod(137), False),
    "suspended by its queue": ({**job(), "spec": {"suspend": True}}, pod(143), True),
    "killed once it was cancelled": (job(cancelled="SIGINT"), pod(137), False),
}


@pytest.mark.parametrize("how", REPLACED)
def test_a_lost_pod_is_replaced_and_a_failed_one_is_not(how: str) -> None:
    given, last, replaced = REPLACED[how]
    assert jobs.may_replace(given, last) is replaced


def test_failures_are_retried_where_that_is_asked_for() -> None:
    given = job()
    given["spec"]["podFailurePolicy"] = {"rules": POLICY["rules"][:1]}
    assert jobs.may_replace(given, pod(1))


@pytest.mark.parametrize(
    "message, hint",
    [
        ('pods "x" is forbidden: exceeded quota: q', "quota"),
        ('pods "x" is forbidden: violates PodSecurity "restricted"', "training_namespace"),
        ('pods "x" is forbidden: no PriorityClass with name moon was found', "training_priority_class"),
        ('error looking up service account t/x: serviceaccount "x" not found', "training_service_account"),
    ],
)
def test_a_job_without_a_pod_says_what_the_cluster_says(message: str, hint: str) -> None:
    event = {"reason": "FailedCreate", "message": f"Error creating: {message}"}
    found = jobs.refused([{"reason": "SuccessfulCreate"}, event])
    assert found is not None
    assert found["reason"] == f"The pod cannot start: {message}."
    assert hint in found["hint"]


@pytest.mark.parametrize("reason, message", [("SuccessfulCreate", ""), ("FailedCreate", "etcdserver: timed out")])
def test_what_may_pass_refuses_no_job(reason: str, message: str) -> None:
    assert jobs.refused([{"reason": reason, "message": message}]) is None


def test_a_failed_job_without_a_pod_has_ended_with_its_own_words() -> None:
    ended = jobs.without_pod(job("Failed", message="It has reached its limit."))
    assert ended is not None
    assert "It has reached its limit." in ended["reason"]
    assert (ended["state"], ended["cause"]) == (RunState.KILLED, "taken_away")
    assert jobs.without_pod(job("Complete")) is None
    assert jobs.without_pod(job()) is None


@pytest.mark.parametrize(
    "events, words",
    [
        ([("Killing", "Stopping container training")], "The pod was deleted: Stopping container training."),
        ([("Killing", "Stopping"), ("Evicted", "The node was low on memory.")], "evicted: The node was low on memory."),
        ([("TaintManagerEviction", "Marking for deletion")], "The pod's node was lost or drained: "),
    ],
)
def test_the_events_of_a_pod_that_is_gone_say_why(events: list[tuple[str, str]], words: str) -> None:
    found = jobs.without_pod(job("Failed"), [{"reason": r, "message": m} for r, m in events])
    assert found is not None
    assert words in found["reason"]
    assert found["cause"] == "taken_away"


@pytest.mark.parametrize("started", [True, False])
def test_a_cancel_that_is_noted_on_a_job_is_read_again(started: bool) -> None:
    found = jobs.cancelled(job(cancelled=jobs.cancel_note(2, started=started)))
    assert found == {"state": RunState.KILLED, **causes.cancelled(2, started=started).facts}


def test_the_jobs_time_limit_is_told() -> None:
    limited = jobs.limited(job("FailureTarget", reason="DeadlineExceeded"))
    assert "60 s" in limited["reason"]
    assert limited["cause"] == "time_limit"
    assert jobs.limited(job("Failed", reason="BackoffLimitExceeded")) == {}
