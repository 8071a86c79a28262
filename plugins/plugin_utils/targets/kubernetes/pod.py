# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes the pod of a launch as plain data: its container, limits and scheduling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.training import Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code import shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import quantities
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import contract_objects

CODE = "/samerun"
HOME = "/home/samerun"
WORK = f"{HOME}/project"
LOG = f"{HOME}/.samerun/log.txt"
REPORT = "/dev/termination-log"
CONTAINER = "training"
USER = 10001
GRACE = 30
_STOP_SECONDS = GRACE + 15  # 30 s for the script, then time to close its MLflow runs
_GPU = "nvidia.com/gpu"
# With retries, a pod leaves a lost node after this time; without, after the five minutes that Kubernetes waits.
_LOST_NODE_SECONDS = 30


def pod_spec(name: str, spec: RunSpec, world: World) -> dict[str, Any]:
    asked = spec.training
    volumes = [(f"volume-{number}", volume) for number, volume in enumerate(asked.volumes)]
    pull = {"imagePullSecrets": [{"name": secret} for secret in world.pull_secrets]} if world.pull_secrets else {}
    network = {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"} if asked.network == "host" else {}
    shm = asked.resources.get("shm")
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _STOP_SECONDS,
        "enableServiceLinks": False,
        **pull,
        **network,
        **_scheduling(spec),
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(name, spec, volumes)],
        "volumes": [
            {"name": "code", "configMap": {"name": name}},
            {"name": "home", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *([{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": shm}}] if shm else []),
            *({"name": key, "persistentVolumeClaim": {"claimName": _claim(volume)}} for key, volume in volumes),
        ],
    }  # fmt: skip


def _container(name: str, spec: RunSpec, volumes: list[tuple[str, Volume]]) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": spec.environment.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [spec.environment.python, f"{CODE}/{shim_archive.NAME}", f"{CODE}/spec.json"],
        "workingDir": HOME,
        "env": _env(name, spec),
        **_limits(spec.training.resources),
        "terminationMessagePath": REPORT,
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "code", "mountPath": CODE, "readOnly": True},
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the pod
            *([{"name": "shm", "mountPath": "/dev/shm"}] if spec.training.resources.get("shm") else []),  # noqa: S108
            *({"name": key, "mountPath": volume.path, "readOnly": volume.read_only} for key, volume in volumes),
        ],
    }  # fmt: skip


def _limits(resources: Mapping[str, str]) -> dict[str, Any]:
    """Requests equal to the limits, since a pod that uses more than it requested is evicted first."""
    quantities.docker_limits(resources)  # raises for a quantity that one of the engines would not understand
    names = {"cpu": "cpu", "memory": "memory", "gpu": _GPU}
    found = {names[kind]: str(quantity) for kind, quantity in resources.items() if kind in names}
    return {"resources": {"limits": found, "requests": found}} if found else {}


def _scheduling(spec: RunSpec) -> dict[str, Any]:
    """Where the pod may run, and its service account; a token is mounted only if one is named."""
    wanted = spec.training.scheduling
    tolerations = [dict(toleration) for toleration in wanted.tolerations]
    if spec.training.retries:
        tolerations += [_leaving(taint) for taint in ("not-ready", "unreachable")]
    found: dict[str, Any] = {
        "automountServiceAccountToken": bool(wanted.service_account),
        "serviceAccountName": wanted.service_account,
        "priorityClassName": wanted.priority_class,
        "nodeSelector": dict(wanted.node_selector),
        "tolerations": tolerations,
    }
    return {key: value for key, value in found.items() if value or value is False}


def _leaving(taint: str) -> dict[str, Any]:
    """A toleration with which the pod leaves a lost node after `_LOST_NODE_SECONDS`."""
    return {
        "key": f"node.kubernetes.io/{taint}", "operator": "Exists", "effect": "NoExecute",
        "tolerationSeconds": _LOST_NODE_SECONDS,
    }  # fmt: skip


def _env(name: str, spec: RunSpec) -> list[dict[str, Any]]:
    """The variables of the container: contract and secrets by reference, the user's plain variables by value.

    HOME, USER and LOGNAME are set, because torch and MLflow fail for a user id that passwd does not list.
    """
    plain = {"HOME": HOME, "USER": "samerun", "LOGNAME": "samerun", **spec.training.env}
    literal = [{"name": key, "value": value.replace("$", "$$")} for key, value in sorted(plain.items())]
    secret = [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
        for key in sorted(spec.training.secret_env)
    ]
    return [*literal, *contract_objects.references(spec.contract), *secret]


def _claim(volume: Volume) -> str:
    if not volume.named:
        raise SamerunError(
            f"Failed to plan the run: {volume.source} of training_volumes is on this host, not on the nodes.",
            f"Name a claim of the training namespace instead: CLAIM:{volume.path}",
            CONFIG,
        )
    return volume.source
