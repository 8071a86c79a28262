# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forwards ports of this host to Services of a cluster, for clusters that publish no ports on their nodes.

Run as a program, this file listens on this host's loopback. It forwards each connection to a ready pod of a Service,
through the API server. It searches for the pod at each connection, so the next connection finds a pod that was
replaced. It runs on after the play, as a training on this host may use it; the teardown ends it.
See https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"  # the address that it listens at
LOCK = "alive.lock"  # locked while it runs
_READ = 1 << 16
_START_SECONDS = 10.0
_FIND_SECONDS = 15.0  # to wait for a ready pod, as one may just be replaced
_ANSWER_SECONDS = 5.0
_AGAIN_SECONDS = 0.5


class Forwarder:
    """Finds pods and connects to them.

    Args:
        kubeconfig, context: of the cluster; empty for those that kubectl would use.
        folder: the folder for the files that the client library needs to log in.
    """

    def __init__(self, kubeconfig: str, context: str, folder: str) -> None:
        from kubernetes import client, config

        self._settings: Any = client.Configuration()
        config.load_kube_config(kubeconfig or None, context or None, self._settings, temp_file_path=folder)
        self._api = self._client()

    def _client(self) -> Any:
        from kubernetes import client

        return client.CoreV1Api(client.ApiClient(self._settings))

    def connect(self, namespace: str, service: str, port: int) -> Any:
        """Return a socket to `port` of a ready pod of the Service.

        Raises:
            OSError: no pod became ready in time.
        """
        import urllib3
        from kubernetes.client import ApiException
        from kubernetes.stream import portforward

        deadline = time.monotonic() + _FIND_SECONDS
        while True:
            try:
                name, target = self._pod(namespace, service, port)
                # A separate client: the library replaces a method of the client that it streams with.
                call = self._client().connect_get_namespaced_pod_portforward
                found = portforward(call, name, namespace, ports=str(target)).socket(target)
                found.setblocking(True)
                return found
            except (ApiException, OSError, LookupError, urllib3.exceptions.HTTPError) as error:
                if time.monotonic() > deadline:
                    raise OSError(f"no pod of {namespace}/{service}: {error}") from error
                time.sleep(_AGAIN_SECONDS)

    def _pod(self, namespace: str, service: str, port: int) -> tuple[str, int]:
        patience = {"_request_timeout": _ANSWER_SECONDS}
        found = self._api.read_namespaced_service(service, namespace, **patience).spec
        selector = ",".join(f"{key}={value}" for key, value in found.selector.items())
        target = next((row.target_port for row in found.ports if row.port == port), port)
        for pod in self._api.list_namespaced_pod(namespace, label_selector=selector, **patience).items:
            ready = any(row.type == "Ready" and row.status == "True" for row in pod.status.conditions or [])
            if ready and not pod.metadata.deletion_timestamp:
                named = {row.name: row.container_port for one in pod.spec.containers for row in one.ports or []}
                return str(pod.metadata.name), int(named.get(str(target), target))
        raise LookupError("none is ready")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def _handler(forwarder: Forwarder, namespace: str, service: str, port: int) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                there = forwarder.connect(namespace, service, port)
                with contextlib.closing(there):
                    _pump(self.request, there)

    return Handler


def _pump(one: Any, other: Any) -> None:
    """Copy data in both directions until one side ends."""
    pairs = {one: other, other: one}
    while True:
        ready, _, _ = select.select(list(pairs), [], [])
        for source in ready:
            data = source.recv(_READ)
            if not data:
                return
            pairs[source].sendall(data)


def main(argv: list[str]) -> None:
    """Forward the ports that the JSON object in argv names, until the process is ended."""
    wanted = json.loads(argv[1])
    with open(os.path.join(wanted["folder"], LOCK), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        forwarder = Forwarder(wanted["kubeconfig"], wanted["context"], wanted["folder"])
        servers = [
            _Server((HOST, row["local"]), _handler(forwarder, row["namespace"], row["service"], row["port"]))
            for row in wanted["ports"]
        ]
        for server in servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        threading.Event().wait()


def start(wanted: Mapping[str, Any], log: Path, environ: Mapping[str, str]) -> str:
    """Start the forwarder as a separate process and wait until it listens; return the error, empty for none."""
    with open(log, "ab") as out:
        started = subprocess.Popen(
            [sys.executable, "-P", __file__, json.dumps(dict(wanted))], env=dict(environ), stdin=subprocess.DEVNULL,
            stdout=out, stderr=out, start_new_session=True, cwd="/",
        )  # fmt: skip
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if started.poll() is not None:
            return (log.read_text(errors="replace").strip().splitlines() or ["it ended at once"])[-1]
        if all(_listens(row["local"]) for row in wanted["ports"]):
            # If this process lives on, it must reap the forwarder, or a zombie would stay.
            threading.Thread(target=started.wait, daemon=True).start()
            return ""
        time.sleep(0.05)
    started.kill()
    started.wait()
    return f"it does not listen after {_START_SECONDS:.0f} s"


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


if __name__ == "__main__":
    os.umask(0o077)
    main(sys.argv)
