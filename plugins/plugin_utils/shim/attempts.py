# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a launch's shim knows of the attempts before its own.

This file travels with a launch, see shim.py.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import Any, Mapping

_FORMAT = "%Y-%m-%dT%H:%M:%S.%f%z"
# A cluster's pod sees no file of the one before it; a first one begins soon after its launch was submitted.
_FIRST_SECONDS = 60


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Attempts:
    """Counts the attempts of one launch, in a file beside its report where the shim itself starts lost ones again.

    Args:
        spec: the shim's.

    Attributes:
        began: when those began that were lost with a shim before this one.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.restarts = int(spec.get("restarts", 0))
        self._path = str(spec["report"]) + ".attempts"
        self._submitted = float(spec.get("submitted", 0))
        self.began: list[str] = []
        if self.restarts and os.path.exists(self._path):
            with open(self._path, encoding="utf-8") as counted:
                self.began = counted.read().split()

    @property
    def again(self) -> bool:
        """Whether there was one before, which found all that it used."""
        return bool(self.began or (self._submitted and time.time() - self._submitted > _FIRST_SECONDS))

    def count(self, began: str) -> None:
        """One more begins; `began` is when the launch did."""
        if self.restarts:
            with open(self._path, "a", encoding="utf-8") as counted:
                counted.write(began + "\n")

    def spent(self, runs: list[dict[str, Any]]) -> float:
        """Seconds since the first of them began, or since it opened the first of the launch's `runs`; 0.0 for none."""
        starts = [datetime.strptime(began, _FORMAT).timestamp() for began in self.began[:1]]
        starts += [int(run["info"]["start_time"]) / 1000 for run in runs if run["info"].get("start_time")]
        return max(0.0, time.time() - min(starts)) if starts else 0.0
