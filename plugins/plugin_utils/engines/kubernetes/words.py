# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Maps errors of the API server and of its client libraries to causes; see pod_words.py for messages about pods."""

from __future__ import annotations

import re
from enum import Enum, auto


class Away(Enum):
    """Why an API server cannot be reached."""

    UNTRUSTED = auto()  # the kubeconfig's CA did not sign its certificate
    SILENT = auto()  # it does not answer in time
    UNRESOLVED = auto()  # its name has no address
    ABSENT = auto()  # nothing answers


def away(words: str) -> Away:
    """Return the cause that the error `words` of a failed connection mean."""
    # Many of these errors contain an https address; ignore it, so that its "HTTPS" does not count as "SSL".
    if "CERTIFICATE_VERIFY_FAILED" in words or "SSL" in words.upper().split("HTTPS")[0]:
        return Away.UNTRUSTED
    if "timed out" in words:
        return Away.SILENT
    return Away.UNRESOLVED if "resolve" in words else Away.ABSENT


def waited(words: str) -> str:
    """Return how many seconds the client waited for an answer; empty if `words` do not say it."""
    found = re.search(r"timeout=(\d+)", words)
    return found[1] if found else ""


def is_certificate(words: str) -> bool:
    """Whether a connection failed because of its certificate; trying again would not help."""
    return "CERTIFICATE" in words


def is_quota(words: str) -> bool:
    """Whether the API server forbids a request because of a quota."""
    return "quota" in words


def handshake(words: str) -> tuple[int, str]:
    """Parse HTTP status and message of a refused WebSocket: "Handshake status 403 Forbidden -+-+- ..."."""
    found = re.match(r"Handshake status (\d+) ([\w ]+)", words)
    if not found:
        return 503, words.splitlines()[0] if words else "nothing answers"
    message = re.search(r'"message":"((?:[^"\\]|\\+.)*)"', words)
    return int(found[1]), re.sub(r'\\+"', '"', message[1]) if message else found[2].strip()
