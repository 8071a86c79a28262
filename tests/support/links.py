"""A link to a server that a test makes slow, silent, or breaks; TCP on this side, a Unix socket or TCP on the other."""

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
    """Forwards what comes to `port` of 127.0.0.1 to `server`.

    Args:
        server: `unix:///path` or `tcp://host:port`.

    Attributes:
        rate: bytes a second that come back, 0 for as many as there are.
        silent: whether nothing is forwarded any more, though all stays open.
        opened: how many connections there were.
    """

    def __init__(self, server: str) -> None:
        self.server = server
        self.rate = 0
        self.silent = False
        self.opened = 0
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def cut(self, *, reset: bool = False) -> None:
        """End every connection there is, as a server does that closes, or with a reset."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    if reset:
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    else:
                        one.shutdown(socket.SHUT_RDWR)
                    one.close()

    def refuse(self) -> None:
        """Refuse connections from now on and end those that are there, until `mend`: a server that is away."""
        self.close()

    def mend(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End the link: nothing listens any more."""
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
        other.sendall(found)


@contextlib.contextmanager
def link(server: str) -> Iterator[Link]:
    made = Link(server)
    try:
        yield made
    finally:
        made.close()
