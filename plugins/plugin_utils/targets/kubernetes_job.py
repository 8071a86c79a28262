# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Job of a launch, and what it mounts, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.masking import MASK
from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec, Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils import contract_objects, shim_archive

CODE = "/samerun"
HOME = "/home/samerun"
WORK = f"{HOME}/project"
LOG = f"{HOME}/.samerun/log.txt"
REPORT = "/dev/termination-log"
USER = 10001
_KEPT_SECONDS = 3 * 24 * 3600
_GRACE = 30


def objects(
    name: str, spec: RunSpec, world: World, *, files: Mapping[str, str], secret_env: Mapping[str, str]
) -> dict[str, Any]:
    """Job, ConfigMap (the archives of code and shim come later) and, for secrets of the user, Secret of a launch."""
    labels = {
        **world.labels,
        "app.kubernetes.io/name": "training",
        "app.kubernetes.io/component": "training",
        LAUNCH_LABEL: spec.launch,
    }
    metadata = {"name": name, "namespace": world.training_namespace, "labels": labels}
    found: dict[str, Any] = {
        "job": {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {**metadata, "annotations": {RECORD_LABEL: spec.record().as_json()}},
            "spec": _job_spec(name, spec, world, labels),
        },
        "config_map": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(files)},
    }
    if secret_env:
        masked = set(secret_env.values()) == {MASK}
        data = dict(secret_env) if masked else contract_objects.encoded(secret_env)
        found["secret"] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    return found


def owner(job: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """A function that gives an object's metadata with `job` as its owner."""
    reference = {
        "apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"],
        "controller": True, "blockOwnerDeletion": False,
    }  # fmt: skip
    return lambda wanted: {"metadata": {**wanted["metadata"], "ownerReferences": [reference]}}


def _job_spec(name: str, spec: RunSpec, world: World, labels: Mapping[str, str]) -> dict[str, Any]:
    limit = {"activeDeadlineSeconds": spec.timeout + 2 * _GRACE} if spec.timeout else {}
    return {
        "suspend": True,
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        **limit,
        "template": {"metadata": {"labels": dict(labels)}, "spec": _pod_spec(name, spec, world)},
    }


def _pod_spec(name: str, spec: RunSpec, world: World) -> dict[str, Any]:
    volumes = [(f"volume-{number}", volume) for number, volume in enumerate(spec.volumes)]
    pull = {"imagePullSecrets": [{"name": secret} for secret in world.pull_secrets]} if world.pull_secrets else {}
    network = {"hostNetwork": True} if spec.network == "host" else {}
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE,
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        **pull,
        **network,
        "securityContext": {
            "runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(name, spec, volumes)],
        "volumes": [
            {"name": "code", "configMap": {"name": name}},
            {"name": "home", "emptyDir": {}},
            {"name": "tmp", "emptyDir": {}},
            *({"name": key, "persistentVolumeClaim": {"claimName": _claim(volume)}} for key, volume in volumes),
        ],
    }  # fmt: skip


def _container(name: str, spec: RunSpec, volumes: list[tuple[str, Volume]]) -> dict[str, Any]:
    limits = {"resources": {"limits": dict(spec.resources), "requests": dict(spec.resources)}} if spec.resources else {}
    return {
        "name": "training",
        "image": spec.environment.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [spec.environment.python, f"{CODE}/{shim_archive.NAME}", f"{CODE}/spec.json"],
        "workingDir": HOME,
        "env": _env(name, spec),
        **limits,
        "terminationMessagePath": REPORT,
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "code", "mountPath": CODE, "readOnly": True},
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the pod
            *({"name": key, "mountPath": volume.path, "readOnly": volume.read_only} for key, volume in volumes),
        ],
    }  # fmt: skip


def _env(name: str, spec: RunSpec) -> list[dict[str, Any]]:
    """Contract and secrets by reference, the user's plain variables by value.

    A user id without a passwd entry breaks torch and MLflow unless HOME, USER and LOGNAME are set.
    """
    plain = {"HOME": HOME, "USER": "samerun", "LOGNAME": "samerun", **spec.env}
    literal = [{"name": key, "value": value.replace("$", "$$")} for key, value in sorted(plain.items())]
    secret = [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}} for key in sorted(spec.secret_env)
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
