# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A pod's log over as many connections as it takes, each line once.

The node stamps every line with its time. After a cut the log is asked for again from the second of the last line on,
and what was shown is left out, of the last line what had come of it. A count of bytes would not do: a node keeps ten
megabytes of a log and begins anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

SILENCE_SECONDS = 10.0  # a connection that says nothing so long may be dead without knowing
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* ")
_STAMP_LENGTH = 40  # at most


class Stamped:
    """Takes stamped lines as they come, whole or not, and gives what was not shown yet.

    Attributes:
        since: from where to ask for the log again, empty for its start.
    """

    def __init__(self) -> None:
        self.since = ""
        self._last = b""  # the stamp of the last line that was begun
        self._shown = 0  # bytes of that line
        self._lines: Counter[bytes] = Counter()  # the stamps of all lines since `since`; two streams mix up their order
        self.connect()

    def connect(self) -> None:
        """What comes next comes over a new connection, which begins at `since`."""
        self._rest = b""
        self._inside = False  # of a line whose stamp was read
        self._left_out = False  # that line was shown before
        self._skip = 0  # bytes of that line which were shown before
        self._before = self._lines.copy()

    def feed(self, data: bytes) -> bytes:
        """What is new in `data`."""
        found, data, place = [], self._rest + data, 0
        self._rest = b""
        while place < len(data):
            if not self._inside:
                stamp = _STAMP.match(data, place)
                if not stamp and len(data) - place < _STAMP_LENGTH and b"\n" not in data[place:]:
                    self._rest = data[place:]
                    break
                self._inside = True
                # Without a stamp it is the node's own word, such as that it has no log any more.
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
            self._skip = self._shown  # the line that was cut, if it was
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
        """What was not shown yet, over one connection: to its end now, or with `follow` as long as it speaks.

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
