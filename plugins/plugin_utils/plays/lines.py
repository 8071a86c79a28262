# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Splits the bytes of a log into lines for the user."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator

_LONGEST = 1 << 16  # characters; a longer line is shown in pieces


def after(pieces: Iterable[bytes], skip: int) -> Iterator[bytes]:
    """Yield the bytes after the first `skip`: the new part of a log that is read from its start again."""
    for piece in pieces:
        fresh, skip = piece[skip:], max(0, skip - len(piece))
        if fresh:
            yield fresh


class Lines:
    """Passes each line on as soon as it is complete.

    Args:
        show: takes a line without its end.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, found: bytes) -> None:
        *whole, self._rest = (self._rest + self._decoder.decode(found)).split("\n")
        for line in whole:
            self._show(line.removesuffix("\r"))
        if len(self._rest) > _LONGEST:
            self._show(self._rest)
            self._rest = ""

    def end(self) -> None:
        """Pass on the last line, which has no line end."""
        self._rest += self._decoder.decode(b"", final=True)
        if self._rest:
            self._show(self._rest)
        self._rest = ""
