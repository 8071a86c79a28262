"""The watcher of a play or training for Python programs, which shows nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

_LOGGER = logging.getLogger("samerun")


class Silent:
    """Passes the log on and sends lines for the user to the logger `samerun`; ignores the rest."""

    def __init__(self, log: Callable[[bytes], None] | None = None) -> None:
        self._log = log

    def event(self, event: Mapping[str, Any]) -> None:
        pass

    def tick(self) -> None:
        pass

    def enter(self, stage: str) -> None:
        pass

    def line(self, text: str) -> None:
        _LOGGER.info("%s", text)

    def progress(self, text: str) -> None:
        pass

    def log(self, data: bytes) -> None:
        if self._log:
            self._log(data)

    def request(self, plan: Mapping[str, Any]) -> None:
        pass
