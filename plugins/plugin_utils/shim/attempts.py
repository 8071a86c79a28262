# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Counts the attempts of a launch, and tells the shim about the attempts before its own."""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import Any, Mapping

_FORMAT = "%Y-%m-%dT%H:%M:%S.%f%z"
# A pod does not see the files of the pod before it. But the first pod starts soon after the launch was submitted, so a
# shim that starts later than this belongs to a later attempt.
_FIRST_SECONDS = 60


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Attempts:
    """The attempts of one launch; if the shim restarts lost ones, they are counted in a file beside the report.

    Args:
        spec: the shim's instructions, see `shim_spec`.

    Attributes:
        began: start times of the attempts that were lost together with an earlier shim.
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
        """Whether there was an earlier attempt. It reached all endpoints, so one that is away now may soon be back."""
        return bool(self.began or (self._submitted and time.time() - self._submitted > _FIRST_SECONDS))

    def count(self, began: str) -> None:
        """Count an attempt that begins now; `began` is the start time of the launch."""
        if self.restarts:
            with open(self._path, "a", encoding="utf-8") as counted:
                counted.write(began + "\n")

    def spent(self, runs: list[dict[str, Any]]) -> float:
        """Return the seconds since the first attempt, or the first of `runs`, began (the earlier one); 0.0 for none."""
        starts = [datetime.strptime(began, _FORMAT).timestamp() for began in self.began[:1]]
        starts += [int(run["info"]["start_time"]) / 1000 for run in runs if run["info"].get("start_time")]
        return max(0.0, time.time() - min(starts)) if starts else 0.0
