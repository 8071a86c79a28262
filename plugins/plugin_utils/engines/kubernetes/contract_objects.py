# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps the contract in a cluster: as a ConfigMap and a Secret in the training namespace."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster, is_of

CONFIG_MAP = "mlflow-config"
SECRET = "r2-credentials"  # noqa: S105 - the name of an object


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    """Encode values as base64 for the `data` of a Secret."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def decoded(secret: Mapping[str, Any]) -> dict[str, str]:
    """Return the decoded values of a Secret; the inverse of `encoded`."""
    return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}


def references(resolved: contract.Contract) -> list[dict[str, Any]]:
    """Return the variables of a contract for a container's `env`: as references to the two objects, without values."""
    plain, secret = contract.keys(secret=False), contract.keys(secret=True)
    entries = [(name, "configMapKeyRef", CONFIG_MAP, plain[name]) for name in resolved.plain]
    entries += [(name, "secretKeyRef", SECRET, secret[name]) for name in resolved.secret]
    return [{"name": name, "valueFrom": {ref: {"name": obj, "key": key}}} for name, ref, obj, key in sorted(entries)]


def ensure(cluster: Cluster, world: World, resolved: contract.Contract, *, change: bool = True) -> bool:
    """Write each of the two objects if it is missing or differs.

    An object that others created is used unchanged if its data is the same.

    Returns:
        Whether anything changed or, without `change`, would change.

    Raises:
        SamerunError: an object that does not belong to this world differs.
    """
    plain = contract.keys(secret=False)
    wanted = {plain[name]: value for name, value in resolved.plain.items()}
    changed = _ensure(cluster, world, "ConfigMap", CONFIG_MAP, wanted, change=change)
    return ensure_secret(cluster, world, resolved, change=change) or changed


def ensure_secret(cluster: Cluster, world: World, resolved: contract.Contract, *, change: bool = True) -> bool:
    """As `ensure`, for the Secret only."""
    secret = contract.keys(secret=True)
    wanted = encoded({secret[name]: value for name, value in resolved.secret.items()})
    return _ensure(cluster, world, "Secret", SECRET, wanted, change=change)


def _ensure(cluster: Cluster, world: World, kind: str, name: str, data: Mapping[str, str], *, change: bool) -> bool:
    namespace = world.training_namespace
    found = cluster.get(kind, name, namespace)
    if found is not None and not is_of(found, world.name):
        if different := sorted(k for k, v in data.items() if (found.get("data") or {}).get(k) != v):
            raise SamerunError(
                f"Failed to use {kind} {namespace}/{name}: it is not this world's and differs in "
                f"{', '.join(different)}.",
                "Make it say what the inventory says, or train in a namespace of its own: training_namespace.",
                CANNOT_CREATE,
            )
        return False
    if (found.get("data") or {} if found is not None else {}) == data:
        return False
    if change:
        cluster.ensure_namespace(namespace, world.labels)
        metadata = {"name": name, "namespace": namespace, "labels": world.labels}
        # `data`, not `stringData`: an apply would record the latter in clear text in the object's metadata.
        cluster.apply({"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": dict(data)})
    return True
