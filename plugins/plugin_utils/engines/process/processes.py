# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends the processes of this host that belong to a launch, whatever their parent is."""

from __future__ import annotations

import contextlib

import psutil

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.names import LAUNCH

_SECONDS = 5.0


def kill(launch: str) -> int:
    """Kill the processes that a launch left behind after its shim died; return how many there were.

    A shim that ends by itself kills all processes that its script started. If the shim is killed, only the script dies
    with it.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # a process of another user, or one that has ended meanwhile
            if process.environ().get(LAUNCH) == launch:
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=_SECONDS)
    return len(found)
