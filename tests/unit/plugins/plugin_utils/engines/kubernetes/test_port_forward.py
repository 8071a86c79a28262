"""A forward finds the ready pod behind a Service, and hands bytes on both ways."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import port_forward


class Pods(Protocol):
    """As much of kubernetes.client.CoreV1Api as a forward asks."""

    def read_namespaced_service(self, name: str, namespace: str, **given: Any) -> Any: ...

    def list_namespaced_pod(self, namespace: str, **given: Any) -> Any: ...


class FakePods(Pods):
    """A Service on port 80, whose pods listen at the port `web`.

    Attributes:
        pods: name to whether it is ready, and whether it is being deleted.
    """

    def __init__(self, **pods: tuple[bool, bool]) -> None:
        self.pods = pods
        self.selector = ""

    def read_namespaced_service(self, name: str, namespace: str, **given: Any) -> Any:
        ports = [SimpleNamespace(port=80, target_port="web")]
        return SimpleNamespace(spec=SimpleNamespace(selector={"app": name}, ports=ports))

    def list_namespaced_pod(self, namespace: str, **given: Any) -> Any:
        self.selector = given["label_selector"]
        return SimpleNamespace(items=[self._pod(name, *state) for name, state in self.pods.items()])

    @staticmethod
    def _pod(name: str, ready: bool, leaving: bool) -> Any:
        ports = [SimpleNamespace(name="web", container_port=8080)]
        return SimpleNamespace(
            metadata=SimpleNamespace(name=name, deletion_timestamp="now" if leaving else None),
            status=SimpleNamespace(conditions=[SimpleNamespace(type="Ready", status=str(ready))]),
            spec=SimpleNamespace(containers=[SimpleNamespace(ports=ports)]),
        )


def forwarder(pods: Pods) -> port_forward.Forwarder:
    made = port_forward.Forwarder.__new__(port_forward.Forwarder)  # without a kubeconfig
    made._api = pods
    return made


def test_a_connection_goes_to_a_ready_pod_at_the_port_that_the_service_names() -> None:
    pods = FakePods(starting=(False, False), leaving=(True, True), ready=(True, False))
    assert forwarder(pods)._pod("monitoring", "mlflow", 80) == ("ready", 8080)
    assert pods.selector == "app=mlflow"


def test_without_a_ready_pod_there_is_none_yet() -> None:
    with pytest.raises(LookupError):
        forwarder(FakePods(starting=(False, False)))._pod("monitoring", "mlflow", 80)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two far ends of a pump."""
    here, one = socket.socketpair()
    there, other = socket.socketpair()
    pump = threading.Thread(target=port_forward._pump, args=(one, other))
    pump.start()
    yield here, there
    for end in (here, there):
        end.close()
    pump.join(10)
    for end in (one, other):
        end.close()


def test_bytes_are_handed_on_both_ways(ends: tuple[socket.socket, socket.socket]) -> None:
    here, there = ends
    here.sendall(b"question")
    assert there.recv(100) == b"question"
    there.sendall(b"answer")
    assert here.recv(100) == b"answer"


def test_a_forward_that_ends_at_once_says_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed:
        def __init__(self, *_given: Any, stdout: Any, **_named: Any) -> None:
            stdout.write(b"Traceback\nConfigException: no such context\n")
            stdout.flush()

        def poll(self) -> int:
            return 1

    monkeypatch.setattr(subprocess, "Popen", Failed)
    assert port_forward.start({"ports": []}, tmp_path / "log.txt", {}) == "ConfigException: no such context"


def test_a_port_listens_only_where_somebody_does() -> None:
    with socket.create_server((port_forward.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert port_forward._listens(port)
    assert not port_forward._listens(port)
