# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends lines for the user through a pipe to the program that started the play, separate from Ansible's output.

Ansible prints a task's output only when the task ends. A line in the pipe arrives immediately, even while Ansible ends
the play. The program passes the number of the pipe's writing end in the variable `VARIABLE`. A play that was started by
hand has no pipe.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
from collections.abc import Iterator
from enum import IntEnum

VARIABLE = "SAMERUN_CHANNEL"

# A write of at most this many bytes is atomic: writes of several processes do not mix.
_FRAME = select.PIPE_BUF
_HEADER = struct.Struct("!BH")


class Kind(IntEnum):
    """The type of a frame's content."""

    SAY = 1  # a line for the user
    PROGRESS = 2  # a progress line; the next one replaces it


def send(kind: Kind, data: bytes) -> bool:
    """Write `data` to the pipe as frames; return False if there is no pipe."""
    handle = os.environ.get(VARIABLE, "")
    if not handle.isdigit():
        return False
    room = _FRAME - _HEADER.size
    with contextlib.suppress(OSError):  # if the reading program has ended, nobody needs the line
        for start in range(0, len(data), room):
            part = data[start : start + room]
            os.write(int(handle), _HEADER.pack(kind, len(part)) + part)
    return True


class Frames:
    """Decodes frames on the reading side, from bytes as they arrive."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[Kind, bytes]]:
        """Take bytes; yield the frames that are complete now."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._rest)
            end = _HEADER.size + length
            if len(self._rest) < end:
                return
            found, self._rest = self._rest[_HEADER.size : end], self._rest[end:]
            yield Kind(kind), found
