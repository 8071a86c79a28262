# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Processes of this host that belong to a launch, whoever their parent is."""

from __future__ import annotations

import contextlib

import psutil

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.names import LAUNCH

_SECONDS = 5.0


def kill(launch: str) -> int:
    """Kill what a launch left behind whose shim is dead; return how many there were.

    A shim that ends kills everything that its script started. One that was killed could not, and only the script itself
    dies with it.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # of somebody else, or gone meanwhile
            if process.environ().get(LAUNCH) == launch:
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=_SECONDS)
    return len(found)
