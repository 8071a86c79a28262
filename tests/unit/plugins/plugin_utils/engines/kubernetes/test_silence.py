"""Servers that take a connection, log in and all, and say nothing, are told within the 10 s of a check."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine as docker
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster


@pytest.fixture
def engine() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[str]:
    """Of a server that ends the handshake of TLS, and says nothing after it."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl: install the package openssl")
    subject = ["-subj", "/CN=localhost", "-days", "1", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject], check=True, capture_output=True
    )
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            taken.append(settings.wrap_socket(listening.accept()[0], server_side=True))

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        server = f"https://127.0.0.1:{listening.getsockname()[1]}"
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump({
            "current-context": "c", "users": [{"name": "u", "user": {"token": "t"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        }))  # fmt: skip
        yield str(path)
        thread.join()
        for one in taken:
            one.close()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_silent_server_is_told_in_time(engine: str, kubeconfig: str) -> None:
    def told(ask: Callable[[], object]) -> tuple[str, int, float]:
        started = time.monotonic()
        with pytest.raises(SamerunError) as caught:
            ask()
        return caught.value.message, caught.value.code, time.monotonic() - started

    with ThreadPoolExecutor(2) as pool:
        asked = pool.map(told, (lambda: docker.connect(engine), Cluster(kubeconfig, "").check))
        (of_engine, engine_code, engine_seconds), (of_cluster, cluster_code, cluster_seconds) = asked
    assert of_engine == f"Failed to talk to the Docker engine at {engine}: it takes a connection and says nothing."
    assert of_cluster.endswith(": no answer within 5 s.")
    assert (engine_code, cluster_code) == (UNAVAILABLE, UNAVAILABLE)
    assert max(engine_seconds, cluster_seconds) < 10
