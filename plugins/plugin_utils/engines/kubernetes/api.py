# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends requests to a cluster's API server: the official client logs in, bodies are plain data, errors are one line."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import tempfile
import threading
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
from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import words
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.words import Away

CONNECT_SECONDS = 4.0
ANSWER_SECONDS = 20.0
FIRST_SECONDS = 5.0  # for the first answer, so that the user learns within 10 s that there is none
FORBIDDEN = 403
NOT_FOUND = 404

_AWAY = {
    Away.UNTRUSTED: ("its certificate is not trusted", "Does the kubeconfig hold this cluster's CA?"),
    Away.SILENT: ("no answer within {seconds} s", "Is it up, and is a VPN or firewall between?"),
    Away.UNRESOLVED: ("its name cannot be resolved", "Is the kubeconfig's server right, is a VPN needed?"),
    Away.ABSENT: ("nothing answers there", "Start the cluster, or name another context by samerun_context."),
}
_LOADING = threading.Lock()  # the library's loading of a kubeconfig is not thread-safe


class ApiError(Exception):
    """The API server refused a request.

    Args:
        status: the HTTP status.
        words: the server's own message, without a full stop.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status
        self.words = words

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later: the server is busy, is starting, or cannot reach a node."""
        return self.status in (410, 429, 500, 502, 503, 504)


class GoneError(ApiError):
    """The object does not exist, or does not exist any more."""


class Api:
    """The API server of one context of a kubeconfig.

    The client library reads the kubeconfig, logs in by any method that it knows, and makes the connections. Its classes
    for kinds of objects are not used: loading them takes half a second, and objects are plain data here.

    Args:
        kubeconfig: a path; empty for the file that kubectl would use.
        context: the context's name; empty for the current one.
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
            with self.settings() as settings:
                self._pool = client.ApiClient(settings).rest_client.pool_manager
                _keep_in_memory(self._pool, settings)
        except config.ConfigException as error:
            raise SamerunError(
                f"Failed to use the context {self.context.name}: {error}.", "Log in to the cluster again.", CONFIG
            ) from error
        self._login = settings.auth_settings
        self.server = settings.host
        self._patience = FIRST_SECONDS

    def close(self) -> None:
        """Close idle connections; the next call opens a new one."""
        self._pool.clear()

    @contextlib.contextmanager
    def settings(self) -> Iterator[Any]:
        """Yield the client library's configuration, which is valid inside the block.

        The library writes the kubeconfig's certificates and keys into files, and removes them when Python exits. A
        worker of Ansible, or a killed process, does not exit that way. So the files lie in a temporary folder that is
        removed after the block. The library would also give the same files to other threads, so they are removed from
        its cache.
        """
        from kubernetes import client, config

        settings: Any = client.Configuration()
        with tempfile.TemporaryDirectory(prefix="samerun-") as folder:
            with _LOADING:
                config.load_kube_config(self._files, self.context.name, settings, temp_file_path=folder)
                remembered: dict[str, str] = getattr(config.kube_config, "_temp_files", {})
                for content, path in list(remembered.items()):
                    if path.startswith(folder):
                        del remembered[content]
            settings.retries = False
            yield settings

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Turn an error of the cluster inside the block into "Failed to <what>: <its own words>"."""
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
        if error.status == FORBIDDEN:
            verb = "Ask for that verb in a Role, or use another user."
            hint = "Ask for more quota." if words.is_quota(error.words) else verb
            return SamerunError(f"{start}: {error.words}.", hint, NO_PERMISSION)
        code = TEMPORARY if error.status in (409, 429, 500, 503, 504) else CONFIG
        return SamerunError(f"{start}: {error.words}.", "", code)

    def _unreachable(self, what: str, error: BaseException) -> SamerunError:
        cause, hint = _AWAY[words.away(str(error))]
        cause = cause.format(seconds=words.waited(str(error)) or f"{CONNECT_SECONDS:.0f}")
        return SamerunError(
            f"Failed to {what} (context {self.context.name}, {self.server}): {cause}.", hint, UNAVAILABLE
        )

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        answer = self.send(method, path, body, query=query or {}, content_type=content_type, seconds=self._patience)
        found: dict[str, Any] = json.loads(answer.data)
        return found

    def send(
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
        headers |= {row["key"]: row["value"] for row in self._login().values() if row["value"]}
        answer = self._pool.request(
            method, f"{self.server}/{path}{'?' if query else ''}{urlencode(query)}",
            body=None if body is None else json.dumps(body), headers=headers,
            preload_content=not stream, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=seconds), retries=False,
        )  # fmt: skip
        self._patience = ANSWER_SECONDS
        if answer.status >= 400:
            kind = GoneError if answer.status == NOT_FOUND else ApiError
            raise kind(answer.status, _message(answer.status, answer.data))
        return answer


def lost_link(error: BaseException) -> bool:
    """Whether the cluster was unreachable or busy, so that the same request may succeed later."""
    import urllib3

    if isinstance(error, ApiError):
        return error.passing
    return isinstance(error, urllib3.exceptions.HTTPError) and not words.is_certificate(str(error))


def is_silent(error: BaseException) -> bool:
    """Whether a connection was made but no answer came in time."""
    import urllib3

    return isinstance(error, urllib3.exceptions.ReadTimeoutError)


def _keep_in_memory(pool: Any, settings: Any) -> None:
    """Read certificates and keys into memory now, so that the connections of `pool` need no files later."""
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    if not settings.verify_ssl:  # the kubeconfig says insecure-skip-tls-verify
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif settings.ssl_ca_cert:
        context.load_verify_locations(settings.ssl_ca_cert)
    else:
        context.load_default_certs()
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    for name in ("ca_certs", "cert_file", "key_file"):
        pool.connection_pool_kw.pop(name, None)
    pool.connection_pool_kw["ssl_context"] = context


def _message(status: int, body: bytes) -> str:
    try:
        message = json.loads(body)["message"]
    except (TypeError, ValueError, KeyError):
        message = f"the API server answers {status}"
    return str(message).strip().rstrip(".")
