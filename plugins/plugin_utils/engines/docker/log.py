# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the log of a container over a connection that may break, and gives every byte exactly once.

The engine sends each message in a frame, with the time of the message if asked for. After a cut, the log is requested
again from shortly before the last message. Of that overlap, the messages that were shown already are skipped.
See https://docs.docker.com/reference/api/engine/, ContainerLogs and ContainerAttach.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError

# The engine's default driver replaces bytes that are not UTF-8. This one keeps every byte, in one file, never rotated.
DRIVER = {"Type": "local", "Config": {"max-size": "1000g", "max-file": "1", "compress": "false"}}
# After this silence the connection is opened again: it may be dead without any error.
SILENT_SECONDS = 30.0
_ANSWER_SECONDS = 10
_AGAIN_SECONDS = (0.1, 1.0)
_OVERLAP = 50_000_000  # ns; two threads of the engine write standard output and error, so times may be out of order
_REMEMBERED = 4096  # messages at most, even if more arrive within the overlap
_HEADER = struct.Struct(">BxxxL")
_SYSTEM_ERROR = 3
_PART = 16 * 1024  # bytes; the engine splits a longer line into several messages


class Messages:
    """Takes the frames of a log, and gives the messages that were not shown yet."""

    def __init__(self) -> None:
        self._shown: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._skip = 0
        self._rest = b""
        self._inside: set[int] = set()  # streams whose current line comes in several messages
        self.error = ""  # an error that the engine sent in place of a message

    def again(self) -> dict[str, str]:
        """Prepare for a new connection; return the query parameters that request the rest of the log."""
        self._rest, self._skip = b"", 0
        if not self._shown:
            return {}
        times = [_nanoseconds(one) for one in self._shown]
        oldest = times[0] + 1 if len(times) == _REMEMBERED else 0
        since = max(max(times) - _OVERLAP, oldest)
        self._skip = sum(one >= since for one in times)
        return {"since": f"{since // 10**9}.{since % 10**9:09d}"}

    def feed(self, found: bytes) -> bytes:
        """Take bytes; return the new text in the frames that are complete now."""
        data, at, new = self._rest + found, 0, []
        while len(data) - at >= _HEADER.size:
            kind, length = _HEADER.unpack_from(data, at)
            end = at + _HEADER.size + length
            if end > len(data):
                break
            stamp, _, text = data[at + _HEADER.size : end].partition(b" ")
            at = end
            if kind == _SYSTEM_ERROR:
                self.error = (stamp + b" " + text).decode(errors="replace")
                continue
            if self._skip:
                self._skip -= 1
                continue
            self._shown.append(stamp)
            new.append(self._ended(kind, text))
        self._rest = data[at:]
        return b"".join(new)

    def _ended(self, kind: int, text: bytes) -> bytes:
        """Add the line end that some engines' driver omits after the last part of a long line."""
        if text.endswith(b"\n"):
            self._inside.discard(kind)
        elif len(text) < _PART and kind in self._inside:
            self._inside.discard(kind)
            return text + b"\n"
        else:
            self._inside.add(kind)
        return text


def follow(
    connect: Callable[[float], Any], name: str, patience: float, say: Callable[[str], None] = lambda _line: None
) -> Iterator[bytes]:
    """Yield the log of the container `name` from its start, as it grows, until the container ends or is removed.

    Args:
        connect: makes a client; its argument is the seconds in which the engine must answer.
        patience: for how many seconds to try to reach an engine that stopped answering.
        say: takes one line when the engine stops answering.

    Raises:
        SamerunError: the engine did not answer again in time.
    """
    import docker
    import requests
    import urllib3

    cut = (requests.RequestException, urllib3.exceptions.HTTPError, docker.errors.DockerException, OSError)
    messages, lost, told = Messages(), 0.0, set[str]()

    def tell(line: str) -> None:
        if line not in told:
            told.add(line)
            say(line)

    while True:
        try:
            client = connect(_ANSWER_SECONDS)
        except SamerunError as error:
            problem: Exception = error
        else:
            lost = 0.0
            with contextlib.closing(client):
                try:
                    yield from _stream(client, name, messages, tell)
                    client.api.wait(name, timeout=_ANSWER_SECONDS)
                    # The engine may end a followed log before the last lines are in it: read those now.
                    yield from _stream(client, name, messages, tell, follow=False)
                    return
                except docker.errors.NotFound:
                    return
                except cut as error:
                    problem = error
        lost = lost or time.monotonic()
        away = time.monotonic() - lost
        if away > patience:
            raise _gone(name, problem) from problem
        if away > _AGAIN_SECONDS[1]:
            tell("The Docker engine does not answer: trying again")
        time.sleep(min(_AGAIN_SECONDS[1], max(_AGAIN_SECONDS[0], away / 4)))


def read(client: Any, name: str) -> Iterator[bytes]:
    """Yield the log of the container `name` up to now, in the form that `follow` gives it."""
    yield from _stream(client, name, Messages(), lambda _line: None, follow=False)


def _stream(
    client: Any, name: str, messages: Messages, tell: Callable[[str], None], *, follow: bool = True
) -> Iterator[bytes]:
    import docker

    asked = {"stdout": "1", "stderr": "1", "timestamps": "1", "follow": str(int(follow)), **messages.again()}
    url = f"{client.api.base_url}/v{client.api.api_version}/containers/{name}/logs"
    with client.api.get(url, params=asked, stream=True, timeout=(_ANSWER_SECONDS, SILENT_SECONDS)) as answer:
        if answer.status_code == 404:
            raise docker.errors.NotFound(f"no container {name}")
        if answer.status_code >= 400:  # for example a logging driver that keeps nothing; the script runs on
            tell(f"Failed to read the log of {name}: {answer.json().get('message', answer.text)}")
            return
        for found in answer.iter_content(chunk_size=None):
            if new := messages.feed(found):
                yield new
        if messages.error:
            tell(f"Failed to read the log of {name}: {messages.error}")


def _gone(name: str, problem: Exception) -> SamerunError:
    if isinstance(problem, SamerunError) and problem.code != UNAVAILABLE:
        return problem
    return SamerunError(
        f"Failed to follow {name}: the Docker engine went away ({problem}).",
        "The run is not lost: start the engine again, then samerun status.",
        UNAVAILABLE,
    )


def _nanoseconds(stamp: bytes) -> int:
    """Convert a time of the engine, such as `2026-01-02T03:04:05.000000006Z`, to nanoseconds since the epoch."""
    text = stamp.decode()
    whole, _, rest = text.partition(".")
    digits = rest.rstrip("Z").partition("+")[0].partition("-")[0]
    zone = rest[len(digits) :].replace("Z", "+00:00") or "+00:00"
    return int(datetime.fromisoformat(whole.rstrip("Z") + zone).timestamp()) * 10**9 + int(f"{digits:0<9}")
