"""A TCP link to a server (Unix socket or TCP), which a test can make slow, make silent, or break."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator

_PIECE = 1 << 16


class Link:
    """Forwards connections to `port` of `address` to `server`.

    Args:
        server: `unix:///path` or `tcp://host:port`.

    Attributes:
        rate: bytes per second from the server, 0 for no limit.
        silent: whether nothing is forwarded any more, although all connections stay open.
        broken: how every connection ends in the middle of its next answer: `cut` or `reset`; empty for a normal end.
        opened: the number of connections so far.
    """

    def __init__(self, server: str, address: str = "127.0.0.1") -> None:
        self.server = server
        self.address = address
        self.rate = 0
        self.silent = False
        self.broken = ""
        self.opened = 0
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server((address, 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"tcp://{self.address}:{self.port}"

    def cut(self, *, reset: bool = False) -> None:
        """End every open connection: close it as a server does, or reset it."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for one in (one for pair in pairs for one in pair):
            _end(one, reset=reset)

    def refuse(self) -> None:
        """End all connections and refuse new ones until `mend`, as if the server were down."""
        self.close()

    def mend(self) -> None:
        self._listening = socket.create_server((self.address, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End the link and stop listening."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                here, _address = self._listening.accept()
            except OSError:
                return
            self.opened += 1
            pair = (here, self._connect())
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _connect(self) -> socket.socket:
        kind, _, place = self.server.partition("://")
        if kind == "unix":
            there = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            there.connect(place)
            return there
        host, _, port = place.rpartition(":")
        return socket.create_connection((host, int(port)))

    def _forward(self, here: socket.socket, there: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as ready:
            ready.register(here, selectors.EVENT_READ, there)
            ready.register(there, selectors.EVENT_READ, here)
            while ready.get_map():
                for key, _events in ready.select(timeout=1):
                    self._pass_on(ready, key.fileobj, key.data, back=key.data is here)
        for one in (here, there):
            one.close()
        with self._lock:
            self._pairs.discard((here, there))

    def _pass_on(self, ready: selectors.BaseSelector, source: object, other: socket.socket, *, back: bool) -> None:
        assert isinstance(source, socket.socket)
        if self.silent:
            time.sleep(0.05)
            return
        found = source.recv(min(_PIECE, self.rate // 10) if back and self.rate else _PIECE)
        if not found:
            ready.unregister(source)
            other.shutdown(socket.SHUT_WR)
            return
        if back and self.rate:
            time.sleep(len(found) / self.rate)
        if back and self.broken:
            other.sendall(_a_part_of(found))
            for one in (source, other):
                _end(one, reset=self.broken == "reset")
            raise OSError("broken")  # which ends the pair
        other.sendall(found)


def _a_part_of(answer: bytes) -> bytes:
    """Return the head and half of the body; nothing of an answer without a body, as its head alone is complete."""
    head, end, body = answer.partition(b"\r\n\r\n")
    return head + end + body[: len(body) // 2] if b"content-length: 0" not in head.lower() else b""


def _end(one: socket.socket, *, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def tcp(url: str) -> str:
    """Return the `server` argument of a link to `url`."""
    return "tcp://" + url.partition("://")[2]


@contextlib.contextmanager
def link(server: str, address: str = "127.0.0.1") -> Iterator[Link]:
    made = Link(server, address)
    try:
        yield made
    finally:
        made.close()
