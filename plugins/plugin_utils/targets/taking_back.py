# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A launch that was submitted in part is removed again, also over a link that broke just then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target

_SECONDS = 5.0  # a link that broke may be back in a moment
_AGAIN_SECONDS = 0.2


@contextlib.contextmanager
def taken_back(target: Target, launch: str) -> Iterator[None]:
    """Remove what the block made of a launch if it fails.

    Raises:
        SamerunError: what the block raised, and that nobody could take it back.
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
        again = type(target)(target.world)  # over a connection of its own: one that says nothing is waited for long
        with contextlib.suppress(SamerunError), contextlib.closing(again):
            again.remove(launch)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_AGAIN_SECONDS)
