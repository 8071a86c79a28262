# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster, spoken to by the official client, with its refusals in one line each."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from ansible_collections.samerun.stack.plugins.module_utils import kubeconfig as kubeconfigs
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    CONFIG,
    NO_PERMISSION,
    TEMPORARY,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL

# kind -> where the API keeps it; a namespace goes in between, for all but Namespace itself.
_KINDS = {
    "ConfigMap": ("api/v1", "configmaps"),
    "Deployment": ("apis/apps/v1", "deployments"),
    "Event": ("api/v1", "events"),
    "Job": ("apis/batch/v1", "jobs"),
    "Namespace": ("api/v1", "namespaces"),
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
}
_TIMEOUT = (4.0, 20.0)  # seconds: to connect, to answer
_FORBIDDEN = 403
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}


class ApiError(Exception):
    """What the API server refuses.

    Args:
        status: of HTTP.
        words: its own message, without a full stop.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status
        self.words = words


class Cluster:
    """One context of a kubeconfig.

    The client library reads the kubeconfig and makes the connections, with all the ways to log in that it knows. Its
    classes for every kind are left out: to load them takes half a second, and objects are plain data here anyway.

    Args:
        kubeconfig: a path, or empty for the one that kubectl would use.
        context: its name, or empty for the current one.
    """

    def __init__(self, kubeconfig: str, context: str) -> None:
        try:
            from kubernetes import client, config
        except ImportError as error:
            raise SamerunError(
                "Failed to talk to Kubernetes: the Python package kubernetes is missing.",
                "pip install kubernetes",
                UNAVAILABLE,
            ) from error
        self.context = kubeconfigs.context(kubeconfig, context)
        self._files = os.pathsep.join(str(path) for path in kubeconfigs.paths(kubeconfig) if path.is_file())
        try:
            with self._loaded() as settings:
                self._pool = client.ApiClient(settings).rest_client.pool_manager
                _keep_in_memory(self._pool, settings)
        except config.ConfigException as error:
            raise SamerunError(
                f"Failed to use the context {self.context.name}: {error}.", "Log in to the cluster again.", CONFIG
            ) from error
        self._settings = settings
        self.server = settings.host

    @contextlib.contextmanager
    def _loaded(self) -> Iterator[Any]:
        """The client library's configuration, usable inside the block.

        The library writes the kubeconfig's certificates and keys into files and removes them when Python ends, which
        a worker of Ansible, or whoever is killed, never does. So they have a folder that is gone after the block.
        """
        from kubernetes import client, config

        settings: Any = client.Configuration()
        with tempfile.TemporaryDirectory(prefix="samerun-") as folder:
            config.load_kube_config(self._files, self.context.name, settings, temp_file_path=folder)
            settings.retries = False
            yield settings

    def check(self) -> None:
        """Raise a SamerunError, within 10 s, if the API server does not answer to us."""
        with self.explained("talk to the cluster"):
            self._call("GET", "version")

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """The object, or None where there is none."""
        try:
            return self._call("GET", _path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        """The objects of a namespace, or of all; `labelSelector` and `fieldSelector` as the API takes them."""
        items: list[dict[str, Any]] = self._call("GET", _path(kind, namespace), query=selectors)["items"]
        return items

    def create(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("POST", _path(wanted["kind"], _namespace(wanted)), wanted)

    def apply(self, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply; with `dry_run` only what would be there."""
        query = {"fieldManager": OWNER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
        path = _path(wanted["kind"], _namespace(wanted), wanted["metadata"]["name"])
        return self._call("PATCH", path, wanted, query=query, content_type=_APPLY)

    def merge(self, kind: str, namespace: str, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("PATCH", _path(kind, namespace, name), change, content_type=_MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete the object with what it owns; nothing where there is none."""
        try:
            self._call("DELETE", _path(kind, namespace, name), query={"propagationPolicy": "Background"})
        except ApiError as error:
            if error.status != 404:
                raise

    def has_namespace(self, name: str) -> bool:
        """Whether there is such a namespace; whoever may not look was given one."""
        try:
            return self.get("Namespace", name) is not None
        except ApiError as error:
            if error.status == _FORBIDDEN:
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

    def log(self, pod: str, namespace: str, *, follow: bool) -> Iterator[bytes]:
        """The bytes of a pod's log; with `follow` until its container ends, however long it is silent."""
        path, query = f"{_path('Pod', namespace, pod)}/log", {"follow": "true"} if follow else {}
        answer = self._send("GET", path, query=query, seconds=None if follow else _TIMEOUT[1], stream=True)
        try:
            while found := answer.read1(1 << 16):
                yield found
        finally:
            answer.release_conn()

    def signal(self, pod: str, namespace: str, python: str, number: int) -> None:
        """Send signal `number` to the first process of a pod."""
        from kubernetes import client
        from kubernetes.stream import stream

        command = [python, "-c", f"import os; os.kill(1, {int(number)})"]
        with self._loaded() as settings, client.ApiClient(settings) as api:
            call = client.CoreV1Api(api).connect_get_namespaced_pod_exec
            session = stream(call, pod, namespace, command=command, stdout=True, stderr=True, _preload_content=False)
            try:
                session.run_forever(timeout=_TIMEOUT[1])
            finally:
                session.sock.shutdown()  # which `close` leaves out once the command has ended

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn what the cluster refuses inside the block into "Failed to <what>: <its own words>"."""
        import urllib3

        try:
            yield
        except ApiError as error:
            raise self._refusal(what, error) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(what, error) from error

    def _refusal(self, what: str, error: ApiError) -> SamerunError:
        start = f"Failed to {what} (context {self.context.name})"
        if error.status == 401:
            return SamerunError(
                f"{start}: the API server does not accept our credentials, a token may have expired.",
                "Log in to the cluster again, so that kubectl get ns works.",
                NO_PERMISSION,
            )
        if error.status == _FORBIDDEN:
            return SamerunError(
                f"{start}: {error.words}.", "Ask for that verb in a Role, or use another user.", NO_PERMISSION
            )
        code = TEMPORARY if error.status in (409, 429, 500, 503, 504) else CONFIG
        return SamerunError(f"{start}: {error.words}.", "", code)

    def _unreachable(self, what: str, error: BaseException) -> SamerunError:
        text = str(error)
        if "CERTIFICATE_VERIFY_FAILED" in text or "SSL" in text.upper().split("HTTPS")[0]:
            cause, hint = "its certificate is not trusted", "Does the kubeconfig hold this cluster's CA?"
        elif "timed out" in text:
            cause, hint = "no answer within 4 s", "Is it up, and is a VPN or firewall between?"
        elif "resolve" in text:
            cause, hint = "its name cannot be resolved", "Is the kubeconfig's server right, is a VPN needed?"
        else:
            cause, hint = "nothing answers there", "Start the cluster, or name another context by samerun_context."
        return SamerunError(
            f"Failed to {what} (context {self.context.name}, {self.server}): {cause}.", hint, UNAVAILABLE
        )

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        answer = self._send(method, path, body, query=query or {}, content_type=content_type, seconds=_TIMEOUT[1])
        found: dict[str, Any] = json.loads(answer.data)
        return found

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str],
        seconds: float | None,
        content_type: str = "application/json",
        stream: bool = False,
    ) -> Any:
        import urllib3

        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": OWNER}
        headers |= {row["key"]: row["value"] for row in self._settings.auth_settings().values() if row["value"]}
        answer = self._pool.request(
            method, f"{self.server}/{path}{'?' if query else ''}{urlencode(query)}",
            body=None if body is None else json.dumps(body), headers=headers,
            preload_content=not stream, timeout=urllib3.Timeout(connect=_TIMEOUT[0], read=seconds), retries=False,
        )  # fmt: skip
        if answer.status >= 400:
            raise ApiError(answer.status, _message(answer.status, answer.data))
        return answer


def _keep_in_memory(pool: Any, settings: Any) -> None:
    """Let the connections of `pool` take certificates and keys from memory, where they were read into now."""
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    if settings.ssl_ca_cert:
        context.load_verify_locations(settings.ssl_ca_cert)
    else:
        context.load_default_certs()
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    for name in ("ca_certs", "cert_file", "key_file"):
        pool.connection_pool_kw.pop(name, None)
    pool.connection_pool_kw["ssl_context"] = context


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A namespace of ours, which takes only pods that follow Pod Security `restricted`."""
    return {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, **_RESTRICTED}},
    }  # fmt: skip


def is_ours(found: Mapping[str, Any]) -> bool:
    return bool((found["metadata"].get("labels") or {}).get(OWNER_LABEL) == OWNER)


def _namespace(wanted: Mapping[str, Any]) -> str:
    return str(wanted["metadata"].get("namespace", ""))


def _path(kind: str, namespace: str, name: str = "") -> str:
    prefix, plural = _KINDS[kind]
    place = f"namespaces/{namespace}/" if namespace and kind != "Namespace" else ""
    return f"{prefix}/{place}{plural}{f'/{name}' if name else ''}"


def _message(status: int, body: bytes) -> str:
    try:
        words = json.loads(body)["message"]
    except (TypeError, ValueError, KeyError):
        words = f"the API server answers {status}"
    return str(words).strip().rstrip(".")
