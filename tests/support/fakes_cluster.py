"""A cluster in memory: the real class `Cluster` over a fake API server, which stores objects by their paths."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.kubeconfig import Context
from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import (
    NOT_FOUND,
    Api,
    ApiError,
    GoneError,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import _KINDS, Cluster, _path
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.overlay import overlaid

LONG_AGO = "2026-01-01T00:00:00Z"
_PLURALS = {plural for _prefix, plural in _KINDS.values()}
_BOOKKEEPING = {"uid": "1", "creationTimestamp": LONG_AGO, "resourceVersion": "1", "generation": 1}


class FakeApi(Api):
    """A fake API server.

    Attributes:
        kept: objects by path.
        refuses: requests to refuse, by method and end of the path.
        asked: methods and paths of the requests that change something.
    """

    def __init__(self, context: Context) -> None:  # there is no kubeconfig
        self.context = context
        self.server = f"https://{context.server}:6443"
        self.kept: dict[str, dict[str, Any]] = {}
        self.refuses: dict[tuple[str, str], ApiError] = {}
        self.asked: list[str] = []

    def close(self) -> None:
        """There is no connection."""

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        for (refused, end), error in self.refuses.items():
            if method == refused and path.endswith(end):
                raise error
        return copy.deepcopy(self._answer(method, path, body or {}, query or {}))

    def _answer(self, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
        if method == "GET":
            return self._read(path, query)
        if method == "POST":
            path = f"{path}/{body['metadata']['name']}"
        before = self.kept.get(path)
        if before is None and method == "DELETE":
            raise GoneError(NOT_FOUND, "not found")
        if "dryRun" in query:
            return overlaid(before or {}, body)
        self.asked.append(f"{method} {path}")
        if method == "DELETE":
            return self.kept.pop(path)
        self.kept[path] = overlaid(before or {"metadata": _BOOKKEEPING}, body)
        return self.kept[path]

    def _read(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        if path in self.kept:
            return self.kept[path]
        prefix, _, plural = path.rpartition("/")
        if path == "version":
            return {}
        if plural not in _PLURALS:
            raise GoneError(NOT_FOUND, "not found")
        below = [one for key, one in self.kept.items() if f"{key}/".startswith(f"{prefix}/") and _plural(key) == plural]
        wanted = dict(part.split("=") for part in query.get("labelSelector", "").split(",") if "=" in part)
        names = query.get("fieldSelector", "").rpartition("=")[2]
        items = [
            one
            for one in below
            if wanted.items() <= one["metadata"].get("labels", {}).items()
            and names in ("", one.get("involvedObject", {}).get("name"))
        ]
        return {"items": items, "metadata": {"resourceVersion": "1"}}


class FakeCluster(Cluster):
    """A cluster with `objects`.

    Attributes:
        logs: the log of each pod, by its name.
        signals: pod and number of each signal.
    """

    def __init__(self, *objects: Mapping[str, Any], context: Context | None = None) -> None:
        self.context = context or Context("kind-test", "127.0.0.1")
        self.api = self.fake = FakeApi(self.context)
        self.server = self.fake.server
        self.logs: dict[str, bytes] = {}
        self.signals: list[tuple[str, int]] = []
        for one in objects:
            self.add(one)

    def add(self, wanted: Mapping[str, Any]) -> None:
        """Add an object."""
        metadata = wanted["metadata"]
        path = _path(wanted["kind"], metadata.get("namespace", ""), metadata["name"])
        self.fake.kept[path] = overlaid({"metadata": _BOOKKEEPING}, wanted)

    def keep(self, place: str, values: Mapping[str, str], *, world: str = "") -> None:
        """Let it hold a Secret at `place`, its namespace and name with a slash between; nobody's without a `world`."""
        namespace, _, name = place.partition("/")
        labels = {OWNER_LABEL: OWNER, WORLD_LABEL: world} if world else {}
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.add({"kind": "Secret", "metadata": {"name": name, "namespace": namespace, "labels": labels}, "data": data})

    def secrets(self) -> dict[str, dict[str, Any]]:
        """Its Secrets by place."""
        found = (one for one in self.fake.kept.values() if one["kind"] == "Secret")
        return {f"{one['metadata']['namespace']}/{one['metadata']['name']}": copy.deepcopy(one) for one in found}

    def kinds(self) -> list[str]:
        """Return kind and name of all objects."""
        return sorted(f"{one['kind']} {one['metadata']['name']}" for one in self.fake.kept.values())

    def log(
        self, pod: str, namespace: str, query: Mapping[str, str] | None = None, *, seconds: float = 0
    ) -> Iterator[bytes]:
        yield self.logs.get(pod, b"")

    def watch(
        self, kind: str, namespace: str, version: str, seconds: int, **selectors: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from ()

    def signal(self, pod: str, namespace: str, python: str, number: int, note: str) -> None:
        self.signals.append((pod, int(number)))


def pod(
    name: str, namespace: str, state: Mapping[str, Any] | None = None, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a pod with one container, `training`, in `state`; without a state it has not started yet."""
    statuses = [{"name": "training", "state": dict(state)}] if state else []
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": dict(labels or {})},
        "spec": {"nodeName": "node-1", "containers": [{"name": "training", "command": ["python"]}]},
        "status": {"containerStatuses": statuses},
    }


def _plural(key: str) -> str:
    return key.split("/")[-2]
