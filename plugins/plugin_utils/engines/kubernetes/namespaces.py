# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the objects of others in a namespace: deleting the namespace would delete them too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster, is_of

# Objects that a cluster creates by itself: from other objects, or in every namespace.
_DERIVED = {"events", "endpoints", "endpointslices"}
_VIEWS = {"metrics.k8s.io", "events.k8s.io", "custom.metrics.k8s.io"}
_DEFAULTS = {
    "ConfigMap": {"kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"},
    "ServiceAccount": {"default", "builder", "deployer"},
}
_TOKEN_OF = "kubernetes.io/service-account.name"  # noqa: S105 - an annotation of older clusters' token Secrets


def foreign(cluster: Cluster, namespace: str, world: str) -> list[str]:
    """Return the objects of a namespace that are not the world's, such as `PersistentVolumeClaim checkpoints`.

    All kinds of the cluster are listed, including those of its extensions. A kind that we may not list counts as one.
    """
    groups = [group for group in cluster.api.call("GET", "apis")["groups"] if group["name"] not in _VIEWS]
    found = []
    for prefix in ("api/v1", *(f"apis/{group['preferredVersion']['groupVersion']}" for group in groups)):
        what = prefix
        try:
            for plural, kind in _kinds(cluster, prefix):
                what = plural
                items = cluster.api.call("GET", f"{prefix}/namespaces/{namespace}/{plural}")["items"]
                found += [f"{kind} {one['metadata']['name']}" for one in items if _stays(kind, one, world)]
        except ApiError as error:
            found.append(f"what cannot be listed ({what}: {error.words})")
    return found


def _kinds(cluster: Cluster, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield name and kind of each namespaced resource in an API group."""
    for one in cluster.api.call("GET", prefix)["resources"]:
        if one["namespaced"] and "list" in one["verbs"] and one["name"] not in _DERIVED:
            yield one["name"], one["kind"]


def _stays(kind: str, found: Mapping[str, Any], world: str) -> bool:
    """Whether an object belongs to somebody else: neither to another object, nor to the world, nor to the cluster."""
    metadata = found["metadata"]
    token_of = (metadata.get("annotations") or {}).get(_TOKEN_OF)
    by_itself = metadata["name"] in _DEFAULTS.get(kind, ()) or token_of in _DEFAULTS["ServiceAccount"]
    return not (is_of(found, world) or metadata.get("ownerReferences") or by_itself)
