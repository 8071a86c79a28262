# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes a launch whose submission failed half-way, even if the connection broke at that moment."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target

_SECONDS = 5.0  # a broken connection may work again after a moment
_AGAIN_SECONDS = 0.2


@contextlib.contextmanager
def taken_back(target: Target, launch: str) -> Iterator[None]:
    """If the block fails, remove what it made of the launch, and raise its error again.

    Raises:
        SamerunError: the block failed, and what it made could not be removed either.
    """
    try:
        yield
    except BaseException as error:
        if not _removed(target, launch):
            said = error.message if isinstance(error, SamerunError) else f"Failed to start {launch}: {error!r}."
            raise SamerunError(
                f"{said} It could not be taken back.",
                f"Once the engine answers, samerun status tells whether it runs, and samerun cancel {launch} ends it.",
                UNAVAILABLE,
            ) from error
        raise


def _removed(target: Target, launch: str) -> bool:
    deadline = time.monotonic() + _SECONDS
    while True:
        again = type(target)(target.world)  # a new connection, since the old one may be silent until its timeout
        with contextlib.suppress(SamerunError), contextlib.closing(again):
            again.remove(launch)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_AGAIN_SECONDS)
