# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes the Job of a launch, and the objects that it mounts, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.masking import MASK
from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import contract_objects
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import pod
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.overlay import overlaid

NAMES = "training-job-"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
START_TIMEOUT = "samerun.dev/start-timeout"
_KEPT_SECONDS = 3 * 24 * 3600
# Exit codes of a container that was killed: by SIGKILL, by SIGTERM.
KILLED = (137, 143)
# Fields of a Job that an overlay must not change: the launch is found by them, and starts only when it is complete.
_OURS = ("apiVersion", "kind", "metadata.name", "metadata.namespace", "spec.suspend")


def objects(
    name: str, spec: RunSpec, world: World, *, files: Mapping[str, str], secret_env: Mapping[str, str]
) -> dict[str, Any]:
    """Describe the Job and the ConfigMap of a launch and, if the user sets secrets, its Secret.

    The archives of code and shim are added to the ConfigMap when it is created.

    Args:
        name: the name of all three objects.
        files: texts of the ConfigMap, by name.
        secret_env: the user's secret variables, or masks in their place.
    """
    labels = {
        **world.labels,
        "app.kubernetes.io/name": "training",
        "app.kubernetes.io/component": "training",
        LAUNCH_LABEL: spec.launch,
    }
    metadata = {"name": name, "namespace": world.training_namespace, "labels": labels}
    found: dict[str, Any] = {
        "job": _job(name, spec, world, metadata),
        "config_map": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(files)},
    }
    if secret_env:
        masked = set(secret_env.values()) == {MASK}
        data = dict(secret_env) if masked else contract_objects.encoded(secret_env)
        found["secret"] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    return found


def _job(name: str, spec: RunSpec, world: World, metadata: Mapping[str, Any]) -> dict[str, Any]:
    asked = spec.training
    queue = {QUEUE_LABEL: asked.scheduling.queue} if asked.scheduling.queue else {}
    annotations = {RECORD_LABEL: spec.record().as_json(), START_TIMEOUT: str(asked.scheduling.start_timeout)}
    labels = metadata["labels"]
    job: dict[str, Any] = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**metadata, "labels": {**labels, **queue}, "annotations": annotations},
        "spec": _job_spec(name, spec, world, labels),
    }
    merged = overlaid(job, asked.overlay)
    for path in _OURS:
        if _at(merged, path) != _at(job, path):
            raise SamerunError(
                f"Failed to plan the run: training_overlay changes {path} of the Job, by which samerun finds it.",
                "Leave it out.",
                CONFIG,
            )
    # An overlay may add labels and annotations, but not change ours.
    for found in (merged["metadata"], merged["spec"]["template"]["metadata"]):
        found["labels"] = {**(found.get("labels") or {}), **labels}
    merged["metadata"]["annotations"] = {**(merged["metadata"].get("annotations") or {}), **annotations}
    return merged


def queued(job: Mapping[str, Any]) -> bool:
    """Whether a queue starts the Job, instead of us."""
    return bool(job["metadata"]["labels"].get(QUEUE_LABEL))


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def owner(job: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return a function that adds `job` as owner to an object's metadata."""
    reference = {
        "apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"],
        "controller": True, "blockOwnerDeletion": False,
    }  # fmt: skip
    return lambda wanted: {"metadata": {**wanted["metadata"], "ownerReferences": [reference]}}


def _job_spec(name: str, spec: RunSpec, world: World, labels: Mapping[str, str]) -> dict[str, Any]:
    asked = spec.training
    # The shim ends the script at its timeout. The Job's deadline is for pods whose shim cannot; it is longer, and
    # counts all attempts together.
    spare = 2 * pod.GRACE * (asked.retries + 1)
    limit = {"activeDeadlineSeconds": asked.timeout + spare} if asked.timeout else {}
    return {
        "suspend": True,
        "backoffLimit": asked.retries,
        "ttlSecondsAfterFinished": _KEPT_SECONDS,
        **limit,
        **(_retries(spec) if asked.retries else {}),
        "template": {"metadata": {"labels": dict(labels)}, "spec": pod.pod_spec(name, spec, world)},
    }


def _retries(spec: RunSpec) -> dict[str, Any]:
    """The rules for retries: an evicted pod uses up none, a killed pod one, a failed script ends the Job.

    With `training_retry_failures` a failed script uses up a retry too.
    """
    rules: list[dict[str, Any]] = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    if not spec.training.retry_failures:
        codes = {"containerName": pod.CONTAINER, "operator": "NotIn", "values": list(KILLED)}
        rules.append({"action": "FailJob", "onExitCodes": codes})
    return {"podReplacementPolicy": "Failed", "podFailurePolicy": {"rules": rules}}
