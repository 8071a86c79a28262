"""Reads the objects of engines as plain data, for tests that inspect what a play has left there."""

from __future__ import annotations

import functools
import json
import os
from typing import Any

import worlds


def prepared() -> bool:
    """Whether this machine was set up for the tests, so that all names and ports must be free."""
    return bool(worlds.MINIO_IMAGE)


@functools.cache
def docker_client() -> Any:
    """Return a client of the Docker engine that the docker command would use."""
    import docker
    from docker.context import ContextAPI

    address = os.environ.get("DOCKER_HOST") or ContextAPI.get_context().Host or None
    return docker.DockerClient(base_url=address, timeout=60)


class Cluster:
    """Sends requests to the API server with plain data, over the connections of the official client.

    Args:
        path: the path of a kubeconfig.
    """

    def __init__(self, path: str) -> None:
        from kubernetes import client, config

        settings: Any = client.Configuration()
        config.load_kube_config(path, client_configuration=settings)
        self.server = settings.host
        self._pool = client.ApiClient(settings).rest_client.pool_manager
        self._login = {row["key"]: row["value"] for row in settings.auth_settings().values() if row["value"]}

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        """Return the answer to `method` on `path` (from `/api` on); None if the object does not exist."""
        headers = {"Accept": "application/json", "Content-Type": content_type, **self._login}
        sent = None if body is None else json.dumps(body)
        answer = self._pool.request(method, self.server + path, body=sent, headers=headers)
        if answer.status == 404:
            return None
        assert answer.status < 400, answer.data.decode()
        return json.loads(answer.data)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def items(self, path: str) -> list[Any]:
        """Return the objects of a list; empty if the list does not exist."""
        return (self.get(path) or {}).get("items") or []

    def log(self, pod: str, namespace: str) -> str:
        answer = self._pool.request(
            "GET", f"{self.server}/api/v1/namespaces/{namespace}/pods/{pod}/log", headers=self._login
        )
        return str(answer.data.decode(errors="replace"))

    def everything(self, namespaces: set[str]) -> dict[str, Any]:
        """Return every object of every kind in `namespaces`, by its path."""
        found = {}
        groups = ["/api/v1", *(f"/apis/{g['preferredVersion']['groupVersion']}" for g in self.get("/apis")["groups"])]
        for group in groups:
            for kind in (self.get(group) or {}).get("resources", []):
                if "list" not in kind["verbs"] or not kind["namespaced"] or "/" in kind["name"]:
                    continue
                for namespace in sorted(namespaces):
                    path = f"{group}/namespaces/{namespace}/{kind['name']}"
                    found.update({f"{path}/{item['metadata']['name']}": item for item in self.items(path)})
        return found


@functools.cache
def cluster() -> Cluster:
    """Return the tests' cluster."""
    return Cluster(worlds.KUBECONFIG)
