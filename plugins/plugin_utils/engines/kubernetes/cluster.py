# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads, writes, watches and signals the objects of a cluster, as plain data."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER
from ansible_collections.samerun.stack.plugins.module_utils.world import is_of as labels_are_of
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import words
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    FORBIDDEN,
    Api,
    ApiError,
    GoneError,
)

# kind -> API prefix and plural; the namespace goes between the two, except for the kind Namespace.
_KINDS = {
    "ConfigMap": ("api/v1", "configmaps"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Event": ("api/v1", "events"),
    "Job": ("apis/batch/v1", "jobs"),
    "Namespace": ("api/v1", "namespaces"),
    "Node": ("api/v1", "nodes"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "ResourceQuota": ("api/v1", "resourcequotas"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
}
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}

# Write the note to another name first and rename it, so that no reader sees half a note.
_SIGNAL = """\
import os, sys
note, number = sys.argv[1:]
os.makedirs(os.path.dirname(note), exist_ok=True)
with open(note + ".part", "w") as out:
    out.write(number)
os.rename(note + ".part", note)
os.kill(1, int(number))
"""


class Cluster:
    """The cluster of one context of a kubeconfig; the arguments are those of `Api`."""

    def __init__(self, kubeconfig: str, context: str) -> None:
        self.api = Api(kubeconfig, context)
        self.context = self.api.context
        self.server = self.api.server

    def explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Turn an error of the cluster inside the block into "Failed to <what>: <its own words>"."""
        return self.api.explained(what)

    def close(self) -> None:
        """Close idle connections; the next call opens a new one."""
        self.api.close()

    def check(self) -> None:
        """Raise a SamerunError, within 10 s, if the API server does not answer or refuses our login."""
        with self.explained("talk to the cluster"):
            self.api.call("GET", "version")

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """Return the object; None if it does not exist."""
        try:
            return self.api.call("GET", _path(kind, namespace, name))
        except GoneError:
            return None

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        """Return the objects of one namespace or of all; `selectors` are the API's labelSelector and fieldSelector."""
        return self.listed(kind, namespace, **selectors)[0]

    def listed(self, kind: str, namespace: str = "", **selectors: str) -> tuple[list[dict[str, Any]], str]:
        """As `find`, but return the resourceVersion of the list too."""
        found = self.api.call("GET", _path(kind, namespace), query=selectors)
        return found["items"], str(found["metadata"]["resourceVersion"])

    def create(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return self.api.call("POST", _path(wanted["kind"], _namespace(wanted)), wanted)

    def apply(self, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Apply an object on the server; with `dry_run`, return the result without a change."""
        query = {"fieldManager": OWNER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        path = _path(wanted["kind"], _namespace(wanted), wanted["metadata"]["name"])
        return self.api.call("PATCH", path, wanted, query=query, content_type=_APPLY)

    def merge(self, kind: str, namespace: str, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        return self.api.call("PATCH", _path(kind, namespace, name), change, content_type=_MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete the object and the objects that it owns; do nothing if it does not exist."""
        with contextlib.suppress(GoneError):
            self.api.call("DELETE", _path(kind, namespace, name), query={"propagationPolicy": "Background"})

    def has_namespace(self, name: str) -> bool:
        """Whether the namespace exists; true if we may not read namespaces, as then somebody assigned us one."""
        try:
            return self.get("Namespace", name) is not None
        except ApiError as error:
            if error.status == FORBIDDEN:
                return True
            raise

    def ensure_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Create the namespace, with Pod Security `restricted`, unless it exists; return whether it was created.

        An existing namespace is not changed: others may use it.
        """
        if self.has_namespace(name):
            return False
        self.create(namespace(name, labels))
        return True

    def log(
        self, pod: str, namespace: str, query: Mapping[str, str] | None = None, *, seconds: float = ANSWER_SECONDS
    ) -> Iterator[bytes]:
        """Yield the bytes of a pod's log as they arrive; raise a `ReadTimeoutError` after `seconds` without any."""
        path = f"{_path('Pod', namespace, pod)}/log"
        answer = self.api.send("GET", path, query=query or {}, seconds=seconds, stream=True)
        try:
            while found := answer.read1(1 << 16):
                yield found
        finally:
            answer.close()  # drop the unread rest
            answer.release_conn()

    def watch(
        self, kind: str, namespace: str, version: str, seconds: int, **selectors: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the events after `version` of a list, for `seconds`: ADDED, MODIFIED or DELETED, and the object."""
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(seconds), **selectors}
        path, patience = _path(kind, namespace), seconds + CONNECT_SECONDS
        answer = self.api.send("GET", path, query=query, seconds=patience, stream=True)
        rest = b""
        try:
            while found := answer.read1(1 << 16):
                *lines, rest = (rest + found).split(b"\n")
                for event in map(json.loads, lines):
                    if event["type"] == "ERROR":
                        raise ApiError(event["object"].get("code", 500), str(event["object"].get("message", "")))
                    yield event["type"], event["object"]
        finally:
            answer.close()
            answer.release_conn()

    def release(self, pod: Mapping[str, Any]) -> None:
        """Delete a pod whose node is lost. The node cannot confirm the pod's end, and its Job would wait forever."""
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        with contextlib.suppress(GoneError):
            self.merge("Pod", namespace, name, {"metadata": {"finalizers": None}})
            self.api.call("DELETE", _path("Pod", namespace, name), {"gracePeriodSeconds": 0})

    def signal(self, pod: str, namespace: str, python: str, number: int, note: str) -> None:
        """Write signal `number` to the file `note` in a pod, then send it to the pod's first process."""
        from kubernetes import client
        from kubernetes.stream import stream
        from websocket import WebSocketException

        command = [python, "-c", _SIGNAL, note, str(int(number))]
        with self.api.settings() as settings, client.ApiClient(settings) as api:
            call = client.CoreV1Api(api).connect_get_namespaced_pod_exec
            try:
                session = stream(
                    call, pod, namespace, command=command, stdout=True, stderr=True, _preload_content=False
                )
            except client.ApiException as error:
                raise ApiError(*words.handshake(str(error.reason))) from error
            # The signal may end the pod, and the connection with it.
            with contextlib.suppress(OSError, WebSocketException):
                try:
                    session.run_forever(timeout=ANSWER_SECONDS)
                finally:
                    session.sock.shutdown()  # `close` does not do it once the command has ended


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return a Namespace with our labels that admits only pods which follow Pod Security `restricted`."""
    return {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, **_RESTRICTED}},
    }  # fmt: skip


def is_of(found: Mapping[str, Any], world: str) -> bool:
    """Whether an object belongs to the world, by its labels; see `is_of` in world.py."""
    return labels_are_of(found["metadata"].get("labels"), world)


def _namespace(wanted: Mapping[str, Any]) -> str:
    return str(wanted["metadata"].get("namespace", ""))


def _path(kind: str, namespace: str, name: str = "") -> str:
    prefix, plural = _KINDS[kind]
    place = f"namespaces/{namespace}/" if namespace and kind != "Namespace" else ""
    return f"{prefix}/{place}{plural}{f'/{name}' if name else ''}"
