# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads a pod's log over one or more connections, and gives each line exactly once.

The node stamps every line with its time. After a cut, the log is requested again from the second of the last line.
Lines that were shown already are skipped; of a line that was cut, only the rest is shown. Counting bytes would not
work: a node rotates the log after ten megabytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

SILENCE_SECONDS = 10.0  # after this silence a connection may be dead without any error
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ")
_STAMP_LENGTH = 40  # bytes at most


class Stamped:
    """Takes stamped lines as they arrive, complete or not, and gives the text that was not shown yet.

    Attributes:
        since: the time from which to request the log again; empty for its start.
    """

    def __init__(self) -> None:
        self.since = ""
        self._last = b""  # the stamp of the newest line
        self._shown = 0  # bytes of that line that were shown
        # The stamps of all lines since `since`; their order may differ if both streams write.
        self._lines: Counter[bytes] = Counter()
        self.connect()

    def connect(self) -> None:
        """Prepare for the bytes of a new connection, which begins at `since`."""
        self._rest = b""
        self._inside = False  # whether the stamp of the current line was read
        self._left_out = False  # whether that line was shown before
        self._skip = 0  # bytes of that line that were shown before
        self._before = self._lines.copy()

    def feed(self, data: bytes) -> bytes:
        """Return the new text in `data`."""
        found, data, place = [], self._rest + data, 0
        self._rest = b""
        while place < len(data):
            if not self._inside:
                stamp = _STAMP.match(data, place)
                if not stamp and len(data) - place < _STAMP_LENGTH and b"\n" not in data[place:]:
                    self._rest = data[place:]
                    break
                self._inside = True
                # A line without a stamp is the node's own message, such as that the log is gone.
                self._left_out = not stamp or self._was_shown(stamp.group())
                place = stamp.end() if stamp else place
            end = data.find(b"\n", place)
            stop = end + 1 if end >= 0 else len(data)
            found.append(self._fresh(data[place:stop]))
            self._inside, place = end < 0, stop
        return b"".join(found)

    def _was_shown(self, stamp: bytes) -> bool:
        if self._before[stamp]:
            self._before[stamp] -= 1
            if self._before[stamp] or stamp != self._last:
                return True
            self._skip = self._shown  # nonzero only for the line that was cut
            return False
        if (since := _second(stamp)) > self.since:
            self.since = since
            self._lines.clear()
        self._lines[stamp] += 1
        self._last, self._shown = stamp, 0
        return False

    def _fresh(self, piece: bytes) -> bytes:
        if self._left_out:
            return b""
        fresh, self._skip = piece[self._skip :], max(0, self._skip - len(piece))
        self._shown += len(fresh)
        return fresh


def _second(stamp: bytes) -> str:
    return re.sub(r"\.\d+", "", stamp.decode().strip())


class PodLog:
    """The log of one pod."""

    def __init__(self, cluster: Cluster, pod: str, namespace: str, container: str) -> None:
        self._cluster, self._pod, self._namespace, self._container = cluster, pod, namespace, container
        self._stamped = Stamped()

    def read(self, *, follow: bool) -> Iterator[bytes]:
        """Yield the text that was not shown yet, over one connection: up to now, or with `follow` until the log ends.

        Raises:
            ApiError, urllib3.exceptions.HTTPError: there is no log, or the connection was cut or fell silent.
        """
        self._stamped.connect()
        query: dict[str, Any] = {"timestamps": "true", "container": self._container}
        if self._stamped.since:
            query["sinceTime"] = self._stamped.since
        if follow:
            query["follow"] = "true"
        for data in self._cluster.log(self._pod, self._namespace, query, seconds=SILENCE_SECONDS):
            if fresh := self._stamped.feed(data):
                yield fresh
