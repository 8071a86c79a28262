"""Small real servers that accept a connection and then fail in a chosen way."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

ANSWERS = {
    "cut": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "half a refusal": b"HTTP/1.1 500 Oh\r\nContent-Length: 500\r\n\r\n<ht",
    "reset": b"",
    "silent": b"",
}


@contextlib.contextmanager
def breaking(how: str) -> Iterator[str]:
    """Yield the `host:port` of a server that fails for every client in the way `how`, a key of ANSWERS."""
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            kept.append(connection)
            if how == "silent":
                continue
            with connection, contextlib.suppress(OSError):
                connection.recv(1 << 16)
                connection.sendall(ANSWERS[how])
                if how == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in kept:
        connection.close()
