# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connects to the Unix socket of a Docker engine, and closes it on failure, which Docker's client forgets."""

from __future__ import annotations

import contextlib
import functools
import socket
from typing import Any

from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection

SCHEME = "unix://"
_MOUNTED = "http+docker://"  # the prefix that the client gives to all its requests


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        self.sock = _connected(self.unix_socket, self.timeout)


class _Adapter(UnixHTTPAdapter):
    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        pool: Any = super().get_connection(url, proxies)
        pool._new_conn = functools.partial(_Connection, pool.base_url, pool.socket_path, pool.timeout)
        return pool


def check(url: str, seconds: float) -> None:
    """Raise an OSError if `url` names a Unix socket that nobody listens at; then no client need be made."""
    if url.startswith(SCHEME):
        _connected(url.removeprefix(SCHEME), seconds).close()


def use(client: Any, url: str) -> None:
    """Make a `docker.DockerClient` close a socket that it cannot connect; only Unix sockets need this."""
    if url.startswith(SCHEME):
        # What the client was made with may hold a connection already, and closing the client would miss it.
        client.api.get_adapter(_MOUNTED).close()
        client.api.mount(_MOUNTED, _Adapter(f"http+{url}", client.api.timeout))


def _connected(path: str, seconds: float | None) -> socket.socket:
    with contextlib.ExitStack() as undo:
        made = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        made.settimeout(seconds)
        made.connect(path)
        undo.pop_all()
        return made
