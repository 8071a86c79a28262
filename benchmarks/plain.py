"""The objects of samerun as a user would write them without it: as a play and as a manifest."""

from __future__ import annotations

from typing import Any

NAME = "samerun-benchmark"
IMAGE = "python:3.11-slim-bookworm"
EMPTY: list[dict[str, object]] = [{"name": "Say nothing", "ansible.builtin.meta": "noop"}]


def docker_tasks(state: str) -> list[dict[str, object]]:
    """Return tasks for a network, two volumes and two running containers; with `absent`, tasks that remove them."""
    docker = "community.docker.docker_"
    network: dict[str, object] = {"name": "Network", f"{docker}network": {"name": NAME, "state": state}}
    volumes: list[dict[str, object]] = [
        {"name": "Volume", f"{docker}volume": {"name": f"{NAME}-{part}", "state": state}} for part in ("a", "b")
    ]
    containers = [_container(part, "absent" if state == "absent" else "started") for part in ("a", "b")]
    tasks = [network, *volumes, *containers]
    return tasks[::-1] if state == "absent" else tasks


def _container(part: str, state: str) -> dict[str, object]:
    wanted = {
        "name": f"{NAME}-{part}", "image": IMAGE, "state": state, "command": ["sleep", "infinity"], "init": True,
        "env": {"ONE": "1"}, "networks": [{"name": NAME}], "volumes": [f"{NAME}-{part}:/data"],
        "restart_policy": "unless-stopped",
    }  # fmt: skip
    gone = {"name": wanted["name"], "state": state, "force_kill": True}
    return {"name": "Container", "community.docker.docker_container": gone if state == "absent" else wanted}


def objects() -> dict[str, Any]:
    """Return a namespace, and two of each: claim, Service and Deployment (without pods)."""
    items: list[dict[str, Any]] = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}}]
    for part in ("a", "b"):
        metadata = {"name": part, "namespace": NAME, "labels": {"app": part}}
        container = {"name": part, "image": IMAGE, "command": ["sleep", "infinity"], "ports": [{"containerPort": 80}]}
        template = {"metadata": {"labels": {"app": part}}, "spec": {"containers": [container]}}
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        deployment = {"replicas": 0, "selector": {"matchLabels": {"app": part}}, "template": template}
        service = {"selector": {"app": part}, "ports": [{"port": 80}]}
        items += [
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": claim},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment},
        ]
    return {"apiVersion": "v1", "kind": "List", "items": items}
