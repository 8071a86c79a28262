"""A reverse proxy that passes on only requests with the right Authorization header, as companies use for MLflow."""

from __future__ import annotations

import contextlib
import http.client
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from serving import serving

_HOP_BY_HOP = ("connection", "content-length", "date", "keep-alive", "server", "transfer-encoding")


class Gate(ThreadingHTTPServer):
    """Passes requests on to `upstream` if their Authorization header is one of `accepted`.

    Attributes:
        passed: method and path of the requests that were passed on, by header.
        refused: paths of the requests without an accepted header.
    """

    daemon_threads = True

    def __init__(self, address: str, upstream: str, accepted: set[str]) -> None:
        super().__init__((address, 0), _Handler)
        self.upstream = urlsplit(upstream)
        self.accepted = accepted
        self.passed: list[tuple[str, str, str]] = []
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: tests end connections on purpose."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Gate
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = self.headers.get("Authorization", "")
        if said not in self.server.accepted:
            self.server.refused.append(self.path)
            self._answer(401, [("WWW-Authenticate", "Basic")], b"You are not authenticated.")
            return
        self.server.passed.append((said, self.command, self.path))
        there = self.server.upstream
        upstream = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
        try:
            sent = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "authorization")}
            upstream.request(self.command, self.path, body, {**sent, "Host": there.netloc})
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        self._answer(answer.status, answer.getheaders(), content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - the base class' names

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class' name
        """Print nothing into the output of a test."""


@contextlib.contextmanager
def gate(address: str, upstream: str, *accepted: str) -> Iterator[Gate]:
    """Run a gate on a free port of `address`."""
    with serving(Gate(address, upstream, set(accepted))) as server:
        yield server
