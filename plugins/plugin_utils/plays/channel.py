# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pipe to the program that started the play: what its person wants to see, apart from what Ansible prints.

Ansible prints what a task says at the task's end. Here a line arrives at once, also while Ansible ends the play. The
program passes the pipe's writing end on by its number, see `VARIABLE`; a play that was started by hand has none.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
from collections.abc import Iterator
from enum import IntEnum

VARIABLE = "SAMERUN_CHANNEL"

# One write of at most this many bytes is never mixed with another's.
_FRAME = select.PIPE_BUF
_HEADER = struct.Struct("!BH")


class Kind(IntEnum):
    """What a frame holds."""

    SAY = 1  # a line for the person
    PROGRESS = 2  # a line that matters only until the next one


def send(kind: Kind, data: bytes) -> bool:
    """Write frames; return False where no program asked for them."""
    handle = os.environ.get(VARIABLE, "")
    if not handle.isdigit():
        return False
    room = _FRAME - _HEADER.size
    with contextlib.suppress(OSError):  # who asked may be gone, and then nobody else wants to see it either
        for start in range(0, len(data), room):
            part = data[start : start + room]
            os.write(int(handle), _HEADER.pack(kind, len(part)) + part)
    return True


class Frames:
    """The reading side: takes bytes as they come."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """The frames that are whole now."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._rest)
            end = _HEADER.size + length
            if len(self._rest) < end:
                return
            found, self._rest = self._rest[_HEADER.size : end], self._rest[end:]
            yield Kind(kind), found
