"""Runs servers of tests, each on its own port."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from socketserver import BaseServer
from typing import TypeVar

_LOOK_SECONDS = 0.02  # how often a server checks whether to end; by default 0.5 s, which every test would wait
_S = TypeVar("_S", bound=BaseServer)


@contextlib.contextmanager
def serving(server: _S) -> Iterator[_S]:
    """Let `server` answer inside the block, then close it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
