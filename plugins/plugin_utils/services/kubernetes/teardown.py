# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes a world from a cluster: its own objects, and a namespace only if it holds nothing else."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import namespaces
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import FORBIDDEN, ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster, is_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import Teardown

_GONE_SECONDS = 90
_KINDS = ("Deployment", "Service", "Job", "Secret")
_DATA = ("ConfigMap", "PersistentVolumeClaim")
_NAMED = 3  # how many foreign objects of a kept namespace are named


def teardown(cluster: Cluster, world: World, keys: Collection[str], *, purge: bool) -> Teardown:
    """Remove the world's objects; see `ServiceHost.teardown`.

    Args:
        keys: names of the Secrets that only `purge` removes, as it does data.
    """
    done = Teardown()
    named = [*(one.namespace for one in reversed(list(world.services.values()))), world.training_namespace]
    places = [place for place in dict.fromkeys(named) if place and cluster.has_namespace(place)]
    for place in places:
        for kind in (*_KINDS, *(_DATA if purge else ())):
            for found in cluster.find(kind, place, labelSelector=",".join(world.selectors)):
                name = found["metadata"]["name"]
                if purge or name not in keys:
                    cluster.delete(kind, name, place)
                    done.removed.append(f"{kind} {place}/{name}")
    if purge:
        gone = [place for place in places if _remove(cluster, world, place, done)]
        _wait_until_gone(cluster, gone)
    return done


def _remove(cluster: Cluster, world: World, place: str, done: Teardown) -> bool:
    """Remove a namespace that the world made, unless it holds objects of others now."""
    try:
        there = cluster.get("Namespace", place)
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        return False  # a user without this permission was given the namespace, and did not make it
    if there is None or not is_of(there, world.name):
        return False  # the namespace existed before the world
    if others := namespaces.foreign(cluster, place, world.name):
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        done.kept.append(f"namespace {place}, which holds what is not this world's: {', '.join(others[:_NAMED])}{more}")
        return False
    cluster.delete("Namespace", place)
    done.removed.append(f"namespace {place}")
    return True


def _wait_until_gone(cluster: Cluster, names: Sequence[str]) -> None:
    """Wait until the namespaces are gone: while one is being removed, it refuses new objects."""
    deadline = time.monotonic() + _GONE_SECONDS
    while any(cluster.get("Namespace", name) for name in names) and time.monotonic() < deadline:
        time.sleep(0.5)
