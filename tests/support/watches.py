"""Measures durations on a machine that is busy with other work."""

from __future__ import annotations

import re
import time
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes

_PRESSURE = Path("/proc/pressure/cpu")


class Watch:
    """Counts the seconds since its creation, without those in which any process waited for a free core.

    Time spent waiting for a network counts. If the kernel does not report waiting processes, every second counts.
    """

    def __init__(self) -> None:
        self._started, self._waited = time.monotonic(), _waited()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started - (_waited() - self._waited)

    def within(self, seconds: float) -> bool:
        """Whether the time is at most `seconds`, or longer by no more than the load of this machine explains."""
        return self.seconds < probes.patience(seconds)


def _waited() -> float:
    """Return the seconds since the machine's start in which any process waited for a core."""
    try:
        found = re.search(r"^some .*total=(\d+)", _PRESSURE.read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1e6 if found else 0.0
