"""A cluster's words become a reason and a next step."""

from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import pod_words


@pytest.mark.parametrize(
    "words, setting",
    [
        ("something that nobody foresaw", "kubectl describe pod"),
        ("ErrImagePull: x:1 not found", "samerun_registry"),
        ('CreateContainerConfigError: secret "x" not found', "object that is missing"),
        ("exceeded quota: small", "training_resources"),
        ('persistentvolumeclaim "data" not found', "training_volumes"),
        ("no PriorityClass with name high was found", "training_priority_class"),
        ('error looking up serviceaccount "x"', "training_service_account"),
        ("0/3 nodes are available: 3 Insufficient cpu", "training_start_timeout"),
        ("exec format error", "training_node_selector"),
        ("pods x is forbidden: violates PodSecurity", "training_namespace"),
    ],
)
def test_a_pod_that_cannot_start_names_the_setting_that_mends_it(words: str, setting: str) -> None:
    found = pod_words.cannot_start(f"{words}.")
    assert found["reason"] == f"The pod cannot start: {words}."
    assert setting in found["hint"]


@pytest.mark.parametrize("reason, fatal", [("ImagePullBackOff", True), ("ContainerCreating", False), ("", False)])
def test_only_what_waiting_does_not_mend_is_fatal(reason: str, fatal: bool) -> None:
    assert pod_words.is_fatal(reason) is fatal


@pytest.mark.parametrize("message, final", [("manifest unknown", True), ("i/o timeout", False)])
def test_an_image_that_is_nowhere_is_told_from_a_registry_that_is_away(message: str, final: bool) -> None:
    assert pod_words.is_final(message) is final


@pytest.mark.parametrize(
    "reason, start",
    [("PreemptionByScheduler", "The pod had to make room"), ("SomethingNew", "The cluster took the pod away")],
)
def test_a_disruption_says_who_took_the_pod_and_that_retries_go_on(reason: str, start: str) -> None:
    found = pod_words.disrupted(reason, "")
    assert found["reason"].startswith(start)
    assert found["reason"].endswith(f": {reason}.")
    assert "training_retries" in found["hint"]


def test_only_an_end_by_the_node_is_the_nodes() -> None:
    evicted = pod_words.by_kubelet({"reason": "Evicted", "message": "The node was low on memory. "})
    assert evicted["reason"] == "The pod was evicted: The node was low on memory."
    assert pod_words.by_kubelet({"reason": "Error"}) == {}
