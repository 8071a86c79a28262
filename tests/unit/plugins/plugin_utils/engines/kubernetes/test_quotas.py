from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import quotas


def quota(name: str, used: str, hard: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "q"}, "spec": spec, "status": {"hard": {name: hard}, "used": {name: used}}}


def job(**resources: str) -> dict[str, Any]:
    found = {name.replace("_", "."): value for name, value in resources.items()}
    container = {"resources": {"limits": found, "requests": found}}
    return {"kind": "Job", "spec": {"template": {"spec": {"containers": [container]}}}}


ROOM: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "room": (quota("limits.memory", "3Gi", "4Gi"), job(memory="1024Mi"), ""),
    "no memory": (quota("limits.memory", "3Gi", "4Gi"), job(memory="2Gi"), "limits.memory: 3Gi of 4Gi used, 2Gi asked"),
    "no cpu": (quota("requests.cpu", "1500m", "2"), job(cpu="0.6"), "requests.cpu: 1500m of 2 used"),
    "no gpu": (quota("requests.nvidia.com/gpu", "1", "1"), job(**{"nvidia_com/gpu": "1"}), "nvidia.com/gpu"),
    "no pods": (quota("pods", "2", "2"), job(), "pods: 2 of 2 used"),
    "no jobs": (quota("count/jobs.batch", "0", "0"), job(), "count/jobs.batch"),
    "no ConfigMaps": (quota("configmaps", "5", "5"), job(), "configmaps"),
    "nothing asked for": (quota("limits.memory", "4Gi", "4Gi"), job(), ""),
    "for some pods only": (quota("pods", "2", "2", scopes=["BestEffort"]), job(), ""),
    "of something else": (quota("services", "2", "2"), job(), ""),
}


@pytest.mark.parametrize("how", ROOM)
def test_a_quota_that_leaves_no_room_is_named(how: str) -> None:
    given, wanted, words = ROOM[how]
    found = quotas.exceeded([given], wanted, [{"kind": "ConfigMap"}])
    assert words in found
    assert bool(found) is bool(words)


@pytest.mark.parametrize(
    "text, value", [("500m", 0.5), ("2", 2), ("1Ki", 1024), ("1e3", 1000), ("1.5G", 1.5e9), ("much", 0), ("2Xi", 0)]
)
def test_quantities_are_read_as_kubernetes_writes_them(text: str, value: float) -> None:
    assert quotas.amount(text) == value
