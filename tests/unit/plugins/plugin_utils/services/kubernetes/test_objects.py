from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services.health import Health
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import objects as kubernetes_objects
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Port, Service

ENDPOINT = Endpoint("x", "x", "kubernetes", "x", 1)
WORLD = World(
    "w",
    "kubernetes",
    Path("/state"),
    pair(ENDPOINT),
    "b",
    "r",
    "",
    "",
    pull_secrets=("pull",),
)
SERVICE = Service(
    role="object_store", name="minio", namespace="storage", image="minio:1", command=("minio", "server"),
    env={"A": "$(HOME) $$"}, ports=(Port("s3", 9000, "v", 30900), Port("console", 9001, "v")), data="minio-pvc",
    data_path="/data", data_size="1Gi", data_class="", secret_files={"key": "${secret_key}"}, health=Health("/live"),
    built=False, resources={"memory": "1Gi"}, requirements=(),
)  # fmt: skip


def objects(**given: Any) -> dict[str, dict[str, Any]]:
    return {found["kind"]: found for found in kubernetes_objects.objects(replace(SERVICE, **given), WORLD)}


def pod(**given: Any) -> dict[str, Any]:
    found: dict[str, Any] = objects(**given)["Deployment"]["spec"]["template"]["spec"]
    return found


def test_every_object_is_labelled_and_in_the_namespace() -> None:
    for found in objects().values():
        assert found["metadata"]["namespace"] == "storage"
        assert found["metadata"]["labels"].items() >= WORLD.labels.items()
    assert set(objects()) == {"PersistentVolumeClaim", "Service", "Deployment"}


def test_a_pod_is_one_that_restricted_pod_security_admits() -> None:
    security, container = pod()["securityContext"], pod()["containers"][0]["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
    }  # fmt: skip


def test_no_variable_of_a_service_link_comes_in_and_no_token() -> None:
    assert pod()["enableServiceLinks"] is False
    assert pod()["automountServiceAccountToken"] is False


def test_one_writer_at_a_time() -> None:
    spec = objects()["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_values_are_not_expanded_by_the_cluster() -> None:
    env = {entry["name"]: entry["value"] for entry in pod()["containers"][0]["env"]}
    assert env["A"] == "$$(HOME) $$$$"


def test_keys_come_from_a_secret_alone() -> None:
    assert "secret_key" not in json.dumps(list(objects().values()))
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    assert volumes["secrets"]["secret"]["secretName"] == kubernetes_objects.secret_name(SERVICE) == "minio-credentials"


@pytest.mark.parametrize("node_port, kind", [(30900, "NodePort"), (0, "ClusterIP")])
def test_a_node_port_is_opened_where_one_is_wanted(node_port: int, kind: str) -> None:
    spec = objects(ports=(Port("s3", 9000, "v", node_port),))["Service"]["spec"]
    assert spec["type"] == kind
    assert spec["ports"][0].get("nodePort", 0) == node_port


@pytest.mark.parametrize("given", ["", "fast"])
def test_a_storage_class_is_named_if_it_is_given(given: str) -> None:
    spec = objects(data_class=given)["PersistentVolumeClaim"]["spec"]
    assert spec.get("storageClassName", "") == given
    assert spec["resources"]["requests"]["storage"] == "1Gi"


def test_limits_are_there_if_they_are_given() -> None:
    assert pod()["containers"][0]["resources"]["limits"] == {"memory": "1Gi"}
    assert "resources" not in pod(resources={})["containers"][0]


@pytest.mark.parametrize(
    "health, asked",
    [
        (Health("/live"), {"httpGet": {"path": "/live", "port": "s3"}}),
        (Health("/live", port="console"), {"httpGet": {"path": "/live", "port": "console"}}),
        (Health(tcp="s3"), {"tcpSocket": {"port": "s3"}}),
        (Health(command=("check", "it")), {"exec": {"command": ["check", "it"]}}),
        (Health("/live", command=("check",)), {"httpGet": {"path": "/live", "port": "s3"}}),
    ],
    ids=["http", "http of a port", "tcp", "command", "http before command"],
)
def test_a_kubelet_asks_as_the_data_file_says(health: Health, asked: dict[str, Any]) -> None:
    container = pod(health=health)["containers"][0]
    for probe in ("readinessProbe", "startupProbe", "livenessProbe"):
        assert container[probe].items() >= asked.items()
