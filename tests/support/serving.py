"""Servers of tests, each on a port of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from socketserver import BaseServer
from typing import TypeVar

_LOOK_SECONDS = 0.02  # between looks whether it is to end; by default half a second, which every test would wait
_S = TypeVar("_S", bound=BaseServer)


@contextlib.contextmanager
def serving(server: _S) -> Iterator[_S]:
    """Let `server` answer inside the block, and close it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
