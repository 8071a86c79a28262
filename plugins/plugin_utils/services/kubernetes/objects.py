# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes the cluster objects of a service as plain data, without secrets."""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service

SECRETS = "/run/samerun"
USER = 10001


def secret_name(service: Service) -> str:
    return f"{service.name}-credentials"


def labels(service: Service, world: World) -> dict[str, str]:
    return {**world.labels, "app.kubernetes.io/name": service.name, "app.kubernetes.io/component": service.role}


def objects(service: Service, world: World) -> list[dict[str, Any]]:
    """The PersistentVolumeClaim, Service and Deployment; namespace and Secret are made elsewhere."""
    common = {"namespace": service.namespace, "labels": labels(service, world)}
    return [
        {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": service.data, **common}, "spec": _claim(service),
        },
        {
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": service.name, **common}, "spec": _service(service),
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": service.name, **common}, "spec": _deployment(service, world),
        },
    ]  # fmt: skip


def _claim(service: Service) -> dict[str, Any]:
    storage_class = {"storageClassName": service.data_class} if service.data_class else {}
    return {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": service.data_size}},
        **storage_class,
    }


def _service(service: Service) -> dict[str, Any]:
    ports = [
        {
            "name": port.name, "port": port.port, "targetPort": port.port, "protocol": "TCP",
            **({"nodePort": port.node_port} if port.node_port else {}),
        }
        for port in service.ports
    ]  # fmt: skip
    kind = "NodePort" if any(port.node_port for port in service.ports) else "ClusterIP"
    return {"type": kind, "selector": {"app.kubernetes.io/name": service.name}, "ports": ports}


def _deployment(service: Service, world: World) -> dict[str, Any]:
    # Only one pod may write to the claim and to SQLite: the old pod must be gone before the new one starts.
    return {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": {"app.kubernetes.io/name": service.name}},
        "template": {
            "metadata": {"labels": labels(service, world)},
            "spec": {
                "enableServiceLinks": False,
                "automountServiceAccountToken": False,
                **({"imagePullSecrets": [{"name": name} for name in world.pull_secrets]} if world.pull_secrets else {}),
                "securityContext": {
                    "runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_container(service)],
                "volumes": [
                    {"name": "data", "persistentVolumeClaim": {"claimName": service.data}},
                    {"name": "secrets", "secret": {"secretName": secret_name(service), "defaultMode": 0o440}},
                    {"name": "tmp", "emptyDir": {}},
                ],
            },
        },
    }  # fmt: skip


def _asked(service: Service) -> dict[str, Any]:
    """The action of the probes that a kubelet makes."""
    health, first = service.health, service.ports[0].name
    if health.http:
        return {"httpGet": {"path": health.http, "port": health.port or first}}
    return {"tcpSocket": {"port": health.tcp}} if health.tcp else {"exec": {"command": list(health.command)}}


def _container(service: Service) -> dict[str, Any]:
    probe = {**_asked(service), "timeoutSeconds": 5}
    plain = {"HOME": "/tmp", "USER": "samerun", **service.env}  # noqa: S108 - inside the pod
    limits = {"resources": {"limits": dict(service.resources), "requests": dict(service.resources)}}
    return {
        "name": service.name,
        "image": service.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(service.command),
        "env": [{"name": key, "value": value.replace("$", "$$")} for key, value in sorted(plain.items())],
        "ports": [{"name": port.name, "containerPort": port.port, "protocol": "TCP"} for port in service.ports],
        "readinessProbe": {**probe, "periodSeconds": 2},
        # A server with little CPU takes a minute to start; the liveness probe begins only after that.
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 90},
        "livenessProbe": {**probe, "periodSeconds": 10},
        **(limits if service.resources else {}),
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "data", "mountPath": service.data_path},
            {"name": "secrets", "mountPath": SECRETS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the pod
        ],
    }  # fmt: skip
