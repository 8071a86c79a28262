# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds out whether ports of this machine are free, and which process has them."""

from __future__ import annotations

import errno
import socket

from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, CONFIG, SamerunError

_TRIED = 50


def is_free(bind: str, port: int) -> bool:
    """Whether a server could listen at this address and port now.

    Raises:
        SamerunError: the address does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Servers set this option too: with it, a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise SamerunError(
                f"Failed to use samerun_bind {bind}: {error.strerror}.", "Give an address of this machine.", CONFIG
            ) from error
    return True


def next_free(bind: str, port: int, taken: set[int]) -> int:
    """Return the first free port from `port` upwards that is not in `taken`."""
    for candidate in range(port, port + _TRIED):
        if candidate not in taken and is_free(bind, candidate):
            return candidate
    raise SamerunError(f"Failed to find a free port: {port} to {port + _TRIED - 1} are all taken.", "", CANNOT_CREATE)


def holder(port: int) -> str:
    """Name the process that listens on `port`, if this user may see it."""
    import psutil  # imported late, as it is rarely needed

    try:
        for connection in psutil.net_connections("tcp"):
            here = connection.laddr
            if connection.status == psutil.CONN_LISTEN and here and here.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return "another program"


def refusal(bind: str, port: int, variable: str, who: str) -> SamerunError:
    free = next_free(bind, port + 1, set())
    return SamerunError(
        f"Failed to claim port {port}: {who} has it.", f"Stop it, or move ours: {variable}={free}", CANNOT_CREATE
    )
