"""A socket at which nobody listens any more is closed at once, and does not wait for Python to find it."""

from __future__ import annotations

import gc
import http.server
import json
import socketserver
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serving

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, sockets


class Answers(http.server.BaseHTTPRequestHandler):
    """What an engine says of itself, to whatever is asked."""

    def do_GET(self) -> None:
        body = json.dumps({"ApiVersion": "1.41"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ds-") as folder:  # a socket's name must be short
        yield Path(folder) / "s"


def test_a_client_whose_engine_is_gone_leaves_no_socket(path: Path) -> None:
    with serving.serving(socketserver.ThreadingUnixStreamServer(str(path), Answers)):
        client = engine.connect(f"unix://{path}")
    with pytest.raises(SamerunError, match="the Docker engine went away"), engine.explained("try"):
        client.version()
    client.close()
    del client
    gc.collect()  # an open one is an error of this test


def test_only_sockets_of_this_host_are_tried(path: Path) -> None:
    sockets.check("tcp://127.0.0.1:1", 1)
    with pytest.raises(FileNotFoundError):
        sockets.check(f"unix://{path}", 1)
