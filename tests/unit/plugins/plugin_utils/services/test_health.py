"""Whether a service is ready, as its data file says how to ask, without a play."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import rendering
from world_options import service as declare
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import readiness
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker.host import DockerHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.health import Health
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service

ROLE = "page"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessHost:
    options = world_options(target="process", state_dir=str(tmp_path), services=[declare(ROLE, port=1)])
    found = ProcessHost(World.from_options(options))
    found.folder.mkdir()
    monkeypatch.setattr(found, "running", lambda *_which: "running")
    return found


def service(host: ProcessHost, port: int = 1, **health: Any) -> Service:
    """A service whose second port is `port`."""
    ports = [{"name": name, "port": number, "variable": name} for name, number in (("first", 1), ("other", port))]
    given = {name: spec.get("default") for name, spec in SERVICE_SPEC["service"]["options"].items()}
    given |= {"role": ROLE, "name": ROLE, "command": ["x"], "ports": ports, "data": "d", "data_path": "/d"}
    return host.service({**given, "env": {"ANSWER": "42"}, "health": health})


@contextlib.contextmanager
def listener(*, closes: bool) -> Iterator[int]:
    """A port that takes connections and holds them, or closes each at once as a forwarder of nothing does."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(server.accept()[0])
                    if closes:
                        held.pop().close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)
    for connection in held:
        connection.close()


def test_a_port_that_holds_a_connection_is_ready(host: ProcessHost) -> None:
    with listener(closes=False) as port:
        assert readiness.problem(host, service(host, port, tcp="other")) == ""


def test_a_port_that_closes_every_connection_is_not(host: ProcessHost) -> None:
    with listener(closes=True) as port:
        assert "closes every connection" in readiness.problem(host, service(host, port, tcp="other"))


def test_a_port_at_which_nothing_listens_is_not(host: ProcessHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "nothing answers at" in readiness.problem(host, service(host, port, tcp="other"))


def test_a_command_runs_with_the_environment_of_the_service(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREIGN", "1")
    code = "import os, sys; sys.exit(os.environ['ANSWER'] + str('FOREIGN' in os.environ) + ' ${other_port}')"
    found = readiness.problem(host, service(host, 7, command=[sys.executable, "-c", code]))
    assert found == "its check ends with 1: 42False 7"


def test_a_command_that_ends_with_0_says_ready(host: ProcessHost) -> None:
    assert readiness.problem(host, service(host, command=[sys.executable, "-c", ""])) == ""


def test_a_command_that_cannot_be_run_says_so(host: ProcessHost) -> None:
    assert "cannot be run" in readiness.problem(host, service(host, command=["/nowhere/check"]))


@pytest.mark.parametrize("given", [{}, {"http": "/x", "tcp": "first"}], ids=["nothing", "two at once"])
def test_a_health_that_says_nothing_or_two_things_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SamerunError, match="Failed to read the health of page"):
        Health.from_options(given, ROLE)


def test_a_container_looks_at_itself_by_the_command_alone(host: ProcessHost) -> None:
    docker = DockerHost(rendering.world_of("docker"))
    docker.__dict__["client"] = SimpleNamespace(images=SimpleNamespace(get=lambda _name: None))
    asked = {}
    ways: dict[str, dict[str, Any]] = {
        "command": {"command": ["check"]}, "tcp": {"tcp": "first"}, "http": {"http": "/"},
    }  # fmt: skip
    for name, given in ways.items():
        asked[name] = docker._request(service(host, **given))["healthcheck"]["test"]
    assert asked == {"command": ["CMD", "check"], "tcp": ["NONE"], "http": ["NONE"]}
