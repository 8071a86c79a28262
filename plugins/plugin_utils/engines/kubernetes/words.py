# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API server and the libraries that call it say, told apart; see pod_words.py for what is said of pods."""

from __future__ import annotations

import re
from enum import Enum, auto


class Away(Enum):
    """Why nobody talks to an API server."""

    UNTRUSTED = auto()  # its certificate is not one of the kubeconfig's CA
    SILENT = auto()  # it does not answer in time
    UNRESOLVED = auto()  # its name has no address
    ABSENT = auto()  # nothing answers


def away(words: str) -> Away:
    """What `words` of a failed connection mean."""
    # An address that begins with https is part of many of them, and says nothing.
    if "CERTIFICATE_VERIFY_FAILED" in words or "SSL" in words.upper().split("HTTPS")[0]:
        return Away.UNTRUSTED
    if "timed out" in words:
        return Away.SILENT
    return Away.UNRESOLVED if "resolve" in words else Away.ABSENT


def waited(words: str) -> str:
    """For how many seconds an answer was waited for; empty where `words` do not say it."""
    found = re.search(r"timeout=(\d+)", words)
    return found[1] if found else ""


def is_certificate(words: str) -> bool:
    """Whether a connection failed by its certificate, which no other try mends."""
    return "CERTIFICATE" in words


def is_quota(words: str) -> bool:
    """Whether a quota is why the API server forbids something."""
    return "quota" in words


def handshake(words: str) -> tuple[int, str]:
    """HTTP status and message of a refused WebSocket: "Handshake status 403 Forbidden -+-+- ..."."""
    found = re.match(r"Handshake status (\d+) ([\w ]+)", words)
    if not found:
        return 503, words.splitlines()[0] if words else "nothing answers"
    message = re.search(r'"message":"((?:[^"\\]|\\+.)*)"', words)
    return int(found[1]), re.sub(r'\\+"', '"', message[1]) if message else found[2].strip()
