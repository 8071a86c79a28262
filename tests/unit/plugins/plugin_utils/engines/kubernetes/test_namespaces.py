"""Whose a namespace is, by what is in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import namespaces
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError

OURS = {"labels": {OWNER_LABEL: OWNER, WORLD_LABEL: "w"}}
TOKEN = {"annotations": {"kubernetes.io/service-account.name": "default"}}


def resource(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "namespaced": True, "verbs": ["list", "get"], **more}


KINDS = {
    "api/v1": [
        resource("configmaps", "ConfigMap"), resource("secrets", "Secret"), resource("events", "Event"),
        resource("endpoints", "Endpoints"), resource("nodes", "Node", namespaced=False),
        resource("pods/log", "Pod", verbs=["get"]),
    ],
    "apis/databases.example/v1": [resource("databases", "Database")],
}  # fmt: skip


def cluster(**there: Any) -> Any:
    """One with these objects in each namespace: plural to names with the rest of their metadata, or a refusal."""
    groups = [("databases.example", "v1"), ("metrics.k8s.io", "v1beta1")]

    def call(_method: str, path: str) -> dict[str, Any]:
        if path == "apis":
            found = [{"name": name, "preferredVersion": {"groupVersion": f"{name}/{v}"}} for name, v in groups]
            return {"groups": found}
        if path in KINDS:
            return {"resources": KINDS[path]}
        plural = path.rpartition("/")[2]
        assert "/namespaces/place/" in path
        found = there.get(plural, {})
        if isinstance(found, ApiError):
            raise found
        return {"items": [{"metadata": {"name": name, **metadata}} for name, metadata in found.items()]}

    return SimpleNamespace(api=SimpleNamespace(call=call))


@pytest.mark.parametrize(
    "there, foreign",
    [
        ({}, []),
        ({"configmaps": {"kube-root-ca.crt": {}, "mlflow-config": OURS}, "secrets": {"default-token-x": TOKEN}}, []),
        ({"events": {"e": {}}, "endpoints": {"mlflow": {}}}, []),
        ({"secrets": {"part-of-ours": {"ownerReferences": [{"kind": "Job"}]}}}, []),
        ({"secrets": {"r2-credentials": {}}}, ["Secret r2-credentials"]),
        ({"secrets": {"s": {"labels": {OWNER_LABEL: OWNER, WORLD_LABEL: "another"}}}}, ["Secret s"]),
        ({"secrets": {"s": {"labels": {WORLD_LABEL: "w"}}}}, ["Secret s"]),
        ({"databases": {"of-a-team": {}}}, ["Database of-a-team"]),
        ({"databases": ApiError(403, "may not")}, ["what cannot be listed (databases: may not)"]),
    ],
)
def test_what_keeps_a_namespace(there: dict[str, Any], foreign: list[str]) -> None:
    assert namespaces.foreign(cluster(**there), "place", "w") == foreign
