# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster: its objects as plain data."""

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

# kind -> where the API keeps it; a namespace goes in between, for all but Namespace itself.
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

# A note is whole or not there.
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
    """One context of a kubeconfig; see `Api` for what it takes."""

    def __init__(self, kubeconfig: str, context: str) -> None:
        self.api = Api(kubeconfig, context)
        self.context = self.api.context
        self.server = self.api.server

    def explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Turn what the cluster refuses inside the block into "Failed to <what>: <its own words>"."""
        return self.api.explained(what)

    def close(self) -> None:
        """Close idle connections; the next call opens what it needs."""
        self.api.close()

    def check(self) -> None:
        """Raise a SamerunError, within 10 s, if the API server does not answer to us."""
        with self.explained("talk to the cluster"):
            self.api.call("GET", "version")

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """The object, or None where there is none."""
        try:
            return self.api.call("GET", _path(kind, namespace, name))
        except GoneError:
            return None

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        """The objects of a namespace, or of all; `labelSelector` and `fieldSelector` as the API takes them."""
        return self.listed(kind, namespace, **selectors)[0]

    def listed(self, kind: str, namespace: str = "", **selectors: str) -> tuple[list[dict[str, Any]], str]:
        """As `find`, with the version of the list."""
        found = self.api.call("GET", _path(kind, namespace), query=selectors)
        return found["items"], str(found["metadata"]["resourceVersion"])

    def create(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return self.api.call("POST", _path(wanted["kind"], _namespace(wanted)), wanted)

    def apply(self, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply; with `dry_run` only what would be there."""
        query = {"fieldManager": OWNER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        path = _path(wanted["kind"], _namespace(wanted), wanted["metadata"]["name"])
        return self.api.call("PATCH", path, wanted, query=query, content_type=_APPLY)

    def merge(self, kind: str, namespace: str, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        return self.api.call("PATCH", _path(kind, namespace, name), change, content_type=_MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete the object with what it owns; nothing where there is none."""
        with contextlib.suppress(GoneError):
            self.api.call("DELETE", _path(kind, namespace, name), query={"propagationPolicy": "Background"})

    def has_namespace(self, name: str) -> bool:
        """Whether there is such a namespace; whoever may not look was given one."""
        try:
            return self.get("Namespace", name) is not None
        except ApiError as error:
            if error.status == FORBIDDEN:
                return True
            raise

    def ensure_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Create the namespace, with Pod Security restricted, unless it is there; return whether it was made.

        A namespace that was there is used as it is: others may live in it.
        """
        if self.has_namespace(name):
            return False
        self.create(namespace(name, labels))
        return True

    def log(
        self, pod: str, namespace: str, query: Mapping[str, str] | None = None, *, seconds: float = ANSWER_SECONDS
    ) -> Iterator[bytes]:
        """The bytes of a pod's log as they come; none for `seconds` is a `ReadTimeoutError`."""
        path = f"{_path('Pod', namespace, pod)}/log"
        answer = self.api.send("GET", path, query=query or {}, seconds=seconds, stream=True)
        try:
            while found := answer.read1(1 << 16):
                yield found
        finally:
            answer.close()  # what is left in it is wanted by nobody
            answer.release_conn()

    def watch(
        self, kind: str, namespace: str, version: str, seconds: int, **selectors: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """What happens after `version` of a list, for `seconds`: ADDED, MODIFIED or DELETED, and the object."""
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
        """Let a pod go whose node is lost: nobody there confirms its end, and its Job would wait for that for ever."""
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        with contextlib.suppress(GoneError):
            self.merge("Pod", namespace, name, {"metadata": {"finalizers": None}})
            self.api.call("DELETE", _path("Pod", namespace, name), {"gracePeriodSeconds": 0})

    def signal(self, pod: str, namespace: str, python: str, number: int, note: str) -> None:
        """Send signal `number` to the first process of a pod, and note it at the path `note` before that."""
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
            with contextlib.suppress(OSError, WebSocketException):  # a pod that ends by it takes the connection along
                try:
                    session.run_forever(timeout=ANSWER_SECONDS)
                finally:
                    session.sock.shutdown()  # which `close` leaves out once the command has ended


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A namespace of ours, which takes only pods that follow Pod Security `restricted`."""
    return {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, **_RESTRICTED}},
    }  # fmt: skip


def is_of(found: Mapping[str, Any], world: str) -> bool:
    """Whether an object is that world's; see `is_of` of its labels in world.py."""
    return labels_are_of(found["metadata"].get("labels"), world)


def _namespace(wanted: Mapping[str, Any]) -> str:
    return str(wanted["metadata"].get("namespace", ""))


def _path(kind: str, namespace: str, name: str = "") -> str:
    prefix, plural = _KINDS[kind]
    place = f"namespaces/{namespace}/" if namespace and kind != "Namespace" else ""
    return f"{prefix}/{place}{plural}{f'/{name}' if name else ''}"
