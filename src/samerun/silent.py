"""For programs: shows nothing of a play or a training."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

_LOGGER = logging.getLogger("samerun")


class Silent:
    """Shows nothing but hands the log on; what is for a person goes to the logger `samerun`."""

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
