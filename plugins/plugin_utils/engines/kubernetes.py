# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster, spoken to by the official client, with its refusals in one line each."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import kubeconfig as kubeconfigs
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    CONFIG,
    NO_PERMISSION,
    TEMPORARY,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL

# kind -> the client's class and its name for the kind in method names.
_KINDS = {
    "ConfigMap": ("CoreV1Api", "namespaced_config_map"),
    "Deployment": ("AppsV1Api", "namespaced_deployment"),
    "Event": ("CoreV1Api", "namespaced_event"),
    "Job": ("BatchV1Api", "namespaced_job"),
    "Namespace": ("CoreV1Api", "namespace"),
    "PersistentVolumeClaim": ("CoreV1Api", "namespaced_persistent_volume_claim"),
    "Pod": ("CoreV1Api", "namespaced_pod"),
    "Secret": ("CoreV1Api", "namespaced_secret"),
    "Service": ("CoreV1Api", "namespaced_service"),
}
_TIMEOUT = (4, 20)  # seconds: to connect, to answer
_SILENCE = 365 * 24 * 3600  # seconds that a followed log may be silent; the client wants a number
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}


class Cluster:
    """One context of a kubeconfig.

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
        self._client = client
        self.context = kubeconfigs.context(kubeconfig, context)
        settings = client.Configuration()
        files = os.pathsep.join(str(path) for path in kubeconfigs.paths(kubeconfig) if path.is_file())
        try:
            config.load_kube_config(files, self.context.name, settings)
        except config.ConfigException as error:
            raise SamerunError(
                f"Failed to use the context {self.context.name}: {error}.", "Log in to the cluster again.", CONFIG
            ) from error
        settings.retries = False
        self.api = client.ApiClient(settings)
        self.server = settings.host

    def check(self) -> None:
        """Raise a SamerunError, within 10 s, if the API server does not answer to us."""
        with self.explained("talk to the cluster"):
            self._client.VersionApi(self.api).get_code(_request_timeout=_TIMEOUT)
            self._call("list", "Namespace", "", limit=1)

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """The object, or None where there is none."""
        try:
            return self._call("read", kind, namespace, name)
        except self._client.ApiException as error:
            if error.status == 404:
                return None
            raise

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        """The objects of a namespace; `label_selector` and `field_selector` as the API takes them."""
        items: list[dict[str, Any]] = self._call("list", kind, namespace, **selectors)["items"]
        return items

    def find_everywhere(self, kind: str) -> list[dict[str, Any]]:
        """The objects of all namespaces."""
        class_name, method = _KINDS[kind]
        api = getattr(self._client, class_name)(self.api)
        answer = getattr(api, f"list_{method.removeprefix('namespaced_')}_for_all_namespaces")(
            _request_timeout=_TIMEOUT
        )
        items: list[dict[str, Any]] = self.api.sanitize_for_serialization(answer)["items"]
        return items

    def create(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("create", wanted["kind"], _namespace(wanted), body=dict(wanted))

    def apply(self, wanted: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Server-side apply; with `dry_run` only what would be there."""
        more = {"dry_run": "All"} if dry_run else {}
        return self._call(
            "patch", wanted["kind"], _namespace(wanted), wanted["metadata"]["name"], body=dict(wanted),
            field_manager=OWNER, force=True, _content_type=_APPLY, **more,
        )  # fmt: skip

    def merge(self, kind: str, namespace: str, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        return self._call("patch", kind, namespace, name, body=dict(change), _content_type=_MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete the object with what it owns; nothing where there is none."""
        try:
            self._call("delete", kind, namespace, name, propagation_policy="Background")
        except self._client.ApiException as error:
            if error.status != 404:
                raise

    def ensure_namespace(self, name: str, labels: Mapping[str, str]) -> bool:
        """Create the namespace, with Pod Security restricted, unless it is there; return whether it was made.

        A namespace that was there is used as it is: others may live in it.
        """
        if self.get("Namespace", name) is not None:
            return False
        self.create(namespace(name, labels))
        return True

    def log(self, pod: str, namespace: str, *, follow: bool) -> Iterator[bytes]:
        """The bytes of a pod's log; with `follow` until its container ends."""
        core = self._client.CoreV1Api(self.api)
        answer = core.read_namespaced_pod_log(
            pod, namespace, follow=follow, _preload_content=False, _request_timeout=(4, _SILENCE if follow else 60)
        )
        try:
            while found := answer.read1(1 << 16) if hasattr(answer, "read1") else answer.read(1 << 12):
                yield found
        finally:
            answer.release_conn()

    def signal(self, pod: str, namespace: str, python: str, number: int) -> None:
        """Send signal `number` to the first process of a pod."""
        from kubernetes.stream import stream

        core = self._client.CoreV1Api(self._client.ApiClient(self.api.configuration))
        stream(
            core.connect_get_namespaced_pod_exec, pod, namespace,
            command=[python, "-c", f"import os; os.kill(1, {int(number)})"], stdout=True, stderr=True,
        )  # fmt: skip

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn what the cluster refuses inside the block into "Failed to <what>: <its own words>"."""
        import urllib3

        try:
            yield
        except self._client.ApiException as error:
            raise self._refusal(what, error) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(what, error) from error

    def _refusal(self, what: str, error: Any) -> SamerunError:
        start = f"Failed to {what} (context {self.context.name})"
        words = _message(error)
        if error.status == 401:
            return SamerunError(
                f"{start}: the API server does not accept our credentials, a token may have expired.",
                "Log in to the cluster again, so that kubectl get ns works.",
                NO_PERMISSION,
            )
        if error.status == 403:
            return SamerunError(
                f"{start}: {words}.", "Ask for that verb in a Role, or use another user.", NO_PERMISSION
            )
        code = TEMPORARY if error.status in (409, 429, 500, 503, 504) else CONFIG
        return SamerunError(f"{start}: {words}.", "", code)

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

    def _call(self, verb: str, kind: str, namespace: str, name: str = "", **options: Any) -> dict[str, Any]:
        class_name, method = _KINDS[kind]
        place = [part for part in (name, namespace if method.startswith("namespaced") else "") if part]
        api = getattr(self._client, class_name)(self.api)
        answer = getattr(api, f"{verb}_{method}")(*place, _request_timeout=_TIMEOUT, **options)
        found: dict[str, Any] = self.api.sanitize_for_serialization(answer)
        return found


def namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """A namespace of ours, which takes only pods that follow Pod Security `restricted`."""
    return {
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, **_RESTRICTED}},
    }  # fmt: skip


def is_ours(found: Mapping[str, Any]) -> bool:
    return bool((found["metadata"].get("labels") or {}).get(OWNER_LABEL) == OWNER)


def _namespace(wanted: Mapping[str, Any]) -> str:
    return str(wanted["metadata"].get("namespace", ""))


def _message(error: Any) -> str:
    try:
        words = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        words = f"{error.status} {error.reason}"
    return str(words).strip().rstrip(".")
