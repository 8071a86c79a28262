"""Finds what tests leave in engines and in MLflow; see counting.py.

Several programs and users may share one engine: objects of the worlds of other slots belong to others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import machines
import worlds
from counting import Area, Kept

from ansible_collections.samerun.stack.plugins.module_utils.world import (
    LAUNCH_LABEL,
    OWNER,
    OWNER_LABEL,
    WORLD_LABEL,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import tracking

_SLOTTED = re.compile(r"(?:conf|purged|ssh)(\d*)(?:-|$)")
_OURS = f"{OWNER_LABEL}={OWNER}"
_OF_LAUNCHES = {"Pod": "/api/v1/pods", "Job": "/apis/batch/v1/jobs"}
_OF_WORLDS = {
    "ConfigMap": "/api/v1/configmaps", "Deployment": "/apis/apps/v1/deployments", "Namespace": "/api/v1/namespaces",
    "PersistentVolumeClaim": "/api/v1/persistentvolumeclaims", "Secret": "/api/v1/secrets",
    "Service": "/api/v1/services",
}  # fmt: skip


def left(labels: Mapping[str, str], kept: Collection[Kept]) -> bool:
    """Whether an object with these labels belongs neither to another slot nor to a kept world."""
    world = labels.get(WORLD_LABEL, "")
    slot = _SLOTTED.match(world)
    if slot and int(slot[1] or 0) != worlds.SLOT:
        return False
    return LAUNCH_LABEL in labels or world not in {one.name for one in kept}


class DockerObjects(Area):
    """Containers, volumes and networks with our label."""

    MARKER = "docker"

    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        return {key: name for key, name, labels in self._labelled() if left(labels, kept)}

    @staticmethod
    def _labelled() -> Iterator[tuple[str, str, dict[str, str]]]:
        api, ours = machines.docker_client().api, {"label": _OURS}
        for found in api.containers(all=True, filters=ours):
            name = str(found["Names"][0]).lstrip("/")
            yield f"container {name}", f"container {name} ({found['State']})", found["Labels"]
        for found in api.volumes(filters=ours)["Volumes"] or []:
            yield f"volume {found['Name']}", f"volume {found['Name']}", found["Labels"]
        for found in api.networks(filters=ours):
            yield f"network {found['Name']}", f"network {found['Name']}", found["Labels"]


class ClusterObjects(Area):
    """Objects of launches and of worlds in the cluster of the tests."""

    MARKER = "kubernetes"

    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        found = {}
        if worlds.KUBECONFIG:
            for kind, path in (_OF_LAUNCHES | _OF_WORLDS).items():
                label = LAUNCH_LABEL if kind in _OF_LAUNCHES else _OURS
                for item in machines.cluster().items(f"{path}?labelSelector={label}"):
                    about = item["metadata"]
                    if left(about["labels"], kept):
                        name = "/".join((*filter(None, [about.get("namespace")]), about["name"]))
                        ending = ", being deleted" if "deletionTimestamp" in about else ""
                        found[about["uid"]] = f"{kind} {name} of world {about['labels'].get(WORLD_LABEL)}{ending}"
        return found


class OpenRuns(Area):
    """MLflow runs of the kept worlds that have the status RUNNING."""

    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        found = {}
        for world in kept:
            try:
                runs = world.mlflow().runs("attributes.status = 'RUNNING'")
            except OSError as error:
                found[f"MLflow of {world.name}"] = f"MLflow of world {world.name} that does not answer: {error}"
                continue
            for run in runs:
                launch, key = tracking.tag(run, tracking.LAUNCH_TAG) or "none", run["info"]["run_id"]
                found[key] = f"RUNNING run {key} of launch {launch} in world {world.name}"
        return found
