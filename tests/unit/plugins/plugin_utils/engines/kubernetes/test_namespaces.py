"""Whose a namespace is, by what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fakes_cluster
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import namespaces
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import Api, ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

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


class Listing(Api):
    """An API server with these objects in each namespace.

    Args:
        there: plural to names with the rest of their metadata, or a refusal.
    """

    GROUPS = (("databases.example", "v1"), ("metrics.k8s.io", "v1beta1"))

    def __init__(self, there: Mapping[str, Any]) -> None:  # without a kubeconfig
        self.there = there

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        if path == "apis":
            versions = {name: {"groupVersion": f"{name}/{version}"} for name, version in self.GROUPS}
            return {"groups": [{"name": name, "preferredVersion": found} for name, found in versions.items()]}
        if path in KINDS:
            return {"resources": KINDS[path]}
        plural = path.rpartition("/")[2]
        assert "/namespaces/place/" in path
        found = self.there.get(plural, {})
        if isinstance(found, ApiError):
            raise found
        return {"items": [{"metadata": {"name": name, **metadata}} for name, metadata in found.items()]}


def cluster(**there: Any) -> Cluster:
    """The cluster of a `Listing`."""
    found = fakes_cluster.FakeCluster()
    found.api = Listing(there)
    return found


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
