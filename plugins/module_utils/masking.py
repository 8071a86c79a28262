# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Masks known secret values in everything that is shown or kept.

A value is found as it is, and in the forms in which it often appears: quoted in JSON, URL-encoded, and in base64 at any
alignment.

This file travels with each launch, see the folder plugin_utils/shim.
"""

from __future__ import annotations

import base64
import json
from typing import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"
SHORTEST = 6  # characters; a shorter value is not masked, as it would match harmless text too often
_SHORTEST_CORE = 8  # characters of base64


def forms(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """Return the byte strings to search for, the longest first."""
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


class Stream:
    """Masks bytes that come in pieces.

    Args:
        secrets: the values, see `forms`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = forms(secrets)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes; return those that can be shown now. A possible beginning of a secret is held back."""
        return self._take(self._held + data, ended=False)

    @property
    def held(self) -> int:
        """Return the number of bytes that are held back."""
        return len(self._held)

    def flush(self) -> bytes:
        """Return the bytes that were held back, since no more follow."""
        return self._take(self._held, ended=True)

    def _take(self, data: bytes, *, ended: bool) -> bytes:
        """Mask from left to right, the longest match at each place; wait if a longer match is still possible."""
        shown, at, hold = [], 0, -1
        places = {form: place for form in self._forms if (place := data.find(form)) >= 0}
        while True:
            if at > hold:
                hold = len(data) if ended else self._begun(data, at)
            form = min(places, key=lambda form: (places[form], -len(form)), default=b"")
            if not form or places[form] >= hold:
                break
            shown += [data[at : places[form]], MASK.encode()]
            at = places[form] + len(form)
            for passed in [form for form, place in places.items() if place < at]:
                places[passed] = data.find(passed, at)
                if places[passed] < 0:
                    del places[passed]
        self._held = data[hold:]
        return b"".join((*shown, data[at:hold]))

    def _begun(self, data: bytes, start: int) -> int:
        """Return the first index from `start` where a secret may begin and continue after `data`; else `len(data)`."""
        first = len(data)
        for form in self._forms:
            at = data.find(form[:1], max(start, len(data) - len(form) + 1))
            while 0 <= at < first:
                if form.startswith(data[at:]):
                    first = at
                at = data.find(form[:1], at + 1)
        return first


def _core(data: bytes, shift: int) -> bytes:
    """Return the base64 of `data` at an alignment, without the characters that depend on the bytes around `data`."""
    encoded = base64.b64encode(b"\0" * shift + data)
    start = (0, 2, 3)[shift]
    end = (len(data) + shift) // 3 * 4
    return encoded[start:end]
