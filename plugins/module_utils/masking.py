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


class Stream:
    """Masks bytes that come in pieces.

    Args:
        secrets: the values, see `forms`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = forms(secrets)
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can be shown now; the beginning of what may become a secret is held back."""
        return self._take(self._held + data, ended=False)

    @property
    def held(self) -> int:
        """Number of bytes held back."""
        return len(self._held)

    def flush(self) -> bytes:
        """What was held back, since nothing follows."""
        return self._take(self._held, ended=True)

    def _take(self, data: bytes, *, ended: bool) -> bytes:
        """Mask from left to right, the longest at each place; a short secret waits where a longer one may follow."""
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
        """The first place from `start` on where a secret begins that `data` does not end; its length for none."""
        first = len(data)
        for form in self._forms:
            at = data.find(form[:1], max(start, len(data) - len(form) + 1))
            while 0 <= at < first:
                if form.startswith(data[at:]):
                    first = at
                at = data.find(form[:1], at + 1)
        return first


def _core(data: bytes, shift: int) -> bytes:
    """The part of base64 of anything that holds `data`, at this alignment, which depends on `data` alone."""
    encoded = base64.b64encode(b"\0" * shift + data)
    start = (0, 2, 3)[shift]
    end = (len(data) + shift) // 3 * 4
    return encoded[start:end]
