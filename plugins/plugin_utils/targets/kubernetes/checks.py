# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks permissions and quotas of a namespace before anything is made in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    NO_PERMISSION,
    TEMPORARY,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import access, pod_words, quotas
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job

ROLE = "kubernetes-role.yml"  # in the world's state folder


def permitted(cluster: Cluster, world: World) -> None:
    """Raise a SamerunError that names each permission that launches need and the user lacks.

    A Role with all of them is written into the world's state folder.
    """
    namespace = world.training_namespace
    with cluster.explained(f"check the permissions in the namespace {namespace}"):
        denied = access.denied(cluster, namespace)
        if not denied:
            return
        path = world.state / ROLE
        files.write_private(path, yaml.safe_dump_all(access.role(cluster, namespace), sort_keys=False).encode())
    raise SamerunError(
        f"Failed to train in the namespace {namespace} (context {cluster.context.name}): you may not "
        f"{', '.join(denied)}.",
        f"Ask an administrator to apply the least Role for it: kubectl apply -f {shlex.quote(str(path))}",
        NO_PERMISSION,
    )


def fits(cluster: Cluster, request: Mapping[str, Any]) -> None:
    """Raise a SamerunError if a quota leaves no room for the launch; a Job in a queue waits for room instead."""
    job = request["job"]
    namespace = job["metadata"]["namespace"]
    if kubernetes_job.queued(job):
        return
    try:
        found = cluster.find("ResourceQuota", namespace)
    except ApiError:
        return  # without permission to read quotas: the cluster itself refuses then
    if words := quotas.exceeded(found, job, [one for name, one in request.items() if name != "job"]):
        hint = pod_words.cannot_start(words)["hint"]
        raise SamerunError(f"Failed to train in the namespace {namespace}: {words}.", hint, TEMPORARY)
