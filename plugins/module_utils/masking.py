# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Known secret values, taken out of whatever is shown or kept.

A value is found as it is, and in the forms in which it likes to turn up: quoted in JSON, URL-encoded, in base64 at any
alignment. This file travels with a launch, see shim.py.
"""

from __future__ import annotations

import base64
import json
from typing import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
SHORTEST = 6  # characters; what is shorter would destroy more than it hides
_SHORTEST_CORE = 8  # of base64


def forms(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """What to look for, the longest first."""
    found: set[bytes] = set()
    for secret in secrets:
        if len(secret) < SHORTEST:
            continue
        data = secret.encode("utf-8", "surrogateescape")
        texts = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote_plus(secret))
        found |= {data, quote(secret).encode(), quote(secret, safe="").encode()}
        found |= {text.encode("utf-8", "surrogateescape") for text in texts}
        found |= {core for shift in range(3) if len(core := _core(data, shift)) >= _SHORTEST_CORE}
    return tuple(sorted(found, key=len, reverse=True))


def text(shown: str, secrets: Iterable[str]) -> str:
    """`shown` without any of `secrets`."""
    data = shown.encode("utf-8", "surrogateescape")
    for form in forms(secrets):
        data = data.replace(form, MASK.encode())
    return data.decode("utf-8", "surrogateescape")


class Stream:
    """Masks bytes that come in pieces.

    Args:
        secrets: the values, see `forms`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = forms(secrets)
        self._longest = max(map(len, self._forms), default=1)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown now; the beginning of what may become a secret is held back."""
        data = self._masked(self._held + data)
        cut = len(data) - self._suspicious(data)
        self._held = data[cut:]
        return data[:cut]

    @property
    def held(self) -> int:
        """Number of bytes held back."""
        return len(self._held)

    def flush(self) -> bytes:
        """What was held back, since nothing follows."""
        data, self._held = self._held, b""
        return data

    def _masked(self, data: bytes) -> bytes:
        for form in self._forms:
            if form in data:
                data = data.replace(form, MASK.encode())
        return data

    def _suspicious(self, data: bytes) -> int:
        """Length of the longest end of `data` with which a secret begins."""
        tail = data[-(self._longest - 1) :] if self._longest > 1 else b""
        longest = 0
        for form in self._forms:
            at = tail.find(form[:1])
            while at >= 0 and len(tail) - at > longest:
                if form.startswith(tail[at:]):
                    longest = len(tail) - at
                    break
                at = tail.find(form[:1], at + 1)
        return longest


def _core(data: bytes, shift: int) -> bytes:
    """The part of base64 of anything that holds `data`, at this alignment, which depends on `data` alone."""
    encoded = base64.b64encode(b"\0" * shift + data)
    start = (0, 2, 3)[shift]
    end = (len(data) + shift) // 3 * 4
    return encoded[start:end]
