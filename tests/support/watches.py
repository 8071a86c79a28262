"""How long something takes on a machine that has other things to do as well."""

from __future__ import annotations

import re
import time
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes

_PRESSURE = Path("/proc/pressure/cpu")


class Watch:
    """Counts the seconds since it was made, but not those in which something had to wait for a free core.

    An answer that comes late because it waits for a network counts in full. Where the kernel does not say who waits,
    every second counts.
    """

    def __init__(self) -> None:
        self._started, self._waited = time.monotonic(), _waited()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started - (_waited() - self._waited)

    def within(self, seconds: float) -> bool:
        """Whether that is no more than `seconds`, or than a machine as busy as this one may take."""
        return self.seconds < probes.patience(seconds)


def _waited() -> float:
    """For how many seconds since the machine started anything waited for a core."""
    try:
        found = re.search(r"^some .*total=(\d+)", _PRESSURE.read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1e6 if found else 0.0
