"""A service is ready once it runs and answers, as this host reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import fakes
import pytest
import samples
from serving import serving

from ansible_collections.samerun.stack.plugins.plugin_utils.services import readiness

SERVICE = samples.service()


class Answers(HTTPServer):
    """Answers everything with `status`."""

    status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Answers

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Nothing: a test's output is its own."""


@pytest.fixture(scope="module")
def server() -> Iterator[Answers]:
    with serving(Answers(("127.0.0.1", 0), _Handler)) as found:
        yield found


@pytest.fixture
def host(tmp_path: Path, server: Answers) -> fakes.FakeHost:
    return fakes.FakeHost(samples.world(tmp_path, object_store={"port": server.server_port}))


@pytest.mark.parametrize("status, ready", [(200, True), (403, True), (404, False), (503, False)])
def test_an_answer_makes_it_ready_also_one_that_refuses_nobody_knows_whom(
    host: fakes.FakeHost, server: Answers, status: int, ready: bool
) -> None:
    server.status = status
    problem = readiness.problem(host, SERVICE)
    assert (problem == "") is ready
    assert ready or problem.endswith(f"/health answers {status}")


def test_one_that_does_not_run_is_not_asked(host: fakes.FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.states["minio"] = "stopped"
    monkeypatch.setattr(readiness, "_UNPROXIED", None)
    assert readiness.problem(host, SERVICE) == "it is stopped"


def test_one_that_listens_nowhere_says_where_it_was_asked(tmp_path: Path) -> None:
    host = fakes.FakeHost(samples.world(tmp_path, object_store={"port": 1}))
    assert readiness.problem(host, SERVICE).startswith("nothing answers at http://localhost:1/health (")


def test_a_proxy_of_the_caller_is_not_asked(
    host: fakes.FakeHost, server: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.status = 200
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert readiness.problem(host, SERVICE) == ""
