"""The pod of a launch: its variables, its limits and where it may run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.training import Scheduling, Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import pod


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "kubernetes")


def spec(world: World, **given: Any) -> dict[str, Any]:
    return pod.pod_spec("the-job", samples.spec(world, **given), world)


def env(world: World, **given: Any) -> dict[str, Any]:
    listed = spec(world, **given)["containers"][0]["env"]
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in listed}


def test_a_value_arrives_as_it_is_written_although_kubernetes_expands_dollars(world: World) -> None:
    assert env(world, env={"A": "$(HOME) and $B"})["A"] == "$$(HOME) and $$B"


def test_secrets_and_the_contract_come_by_reference(world: World) -> None:
    found = env(world, secret_env={"TOKEN": "the token"})
    assert found["TOKEN"] == {"secretKeyRef": {"name": "the-job", "key": "TOKEN"}}
    assert found["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "r2-credentials", "key": "secret-key"}}
    assert "the token" not in str(spec(world, secret_env={"TOKEN": "the token"}))


def test_what_is_asked_for_is_also_the_limit(world: World) -> None:
    asked = {"cpu": "2", "memory": "4Gi", "gpu": "1", "shm": "1Gi"}
    found = spec(world, resources=asked)
    resources = found["containers"][0]["resources"]
    assert resources["limits"] == resources["requests"] == {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}
    assert {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}} in found["volumes"]


def test_a_volume_is_a_claim_and_a_folder_of_this_host_is_refused(world: World) -> None:
    found = spec(world, volumes=(Volume("data", "/data", read_only=True),))
    assert {"name": "volume-0", "persistentVolumeClaim": {"claimName": "data"}} in found["volumes"]
    mounts = found["containers"][0]["volumeMounts"]
    assert {"name": "volume-0", "mountPath": "/data", "readOnly": True} in mounts
    with pytest.raises(SamerunError, match=r"/srv/data of training_volumes is on this host.*CLAIM:/data"):
        spec(world, volumes=(Volume("/srv/data", "/data"),))


def test_only_with_a_service_account_is_its_token_there(world: World) -> None:
    assert spec(world)["automountServiceAccountToken"] is False
    found = spec(world, scheduling=Scheduling(service_account="trainer"))
    assert (found["automountServiceAccountToken"], found["serviceAccountName"]) == (True, "trainer")


def test_a_launch_with_retries_leaves_a_lost_node_soon(world: World) -> None:
    asked = Scheduling(tolerations=({"key": "gpu", "operator": "Exists"},))
    assert spec(world, scheduling=asked)["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    leaving = spec(world, scheduling=asked, retries=1)["tolerations"][1:]
    assert {toleration["key"] for toleration in leaving} == {
        "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable",
    }  # fmt: skip
    assert all(toleration["tolerationSeconds"] < 300 for toleration in leaving)


def test_what_is_not_asked_for_is_not_in_the_pod(world: World) -> None:
    found = spec(world)
    assert {
        "nodeSelector",
        "tolerations",
        "priorityClassName",
        "hostNetwork",
        "imagePullSecrets",
    } & found.keys() == set()
