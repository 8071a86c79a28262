# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shows a log, and avoids showing a refusal twice: it is the last line of the log and also in the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import MARK

_OURS = MARK.encode()


class Shown:
    """Passes a log on as it arrives, but holds back a line that may be a refusal until the result is known.

    Such a line comes from samerun, is the last one so far, and the script has not written anything before it.

    Args:
        show: takes bytes of the log.
    """

    def __init__(self, show: Callable[[bytes], None]) -> None:
        self._show = show
        self._held = b""
        self._begun = False  # whether the script has written something

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pass_on(self._held)

    def feed(self, found: bytes) -> None:
        """Take bytes of the log."""
        if self._begun:
            self._show(found)
            return
        self._held += found
        while self._held:
            line, end, rest = self._held.partition(b"\n")
            if not _may_be(line, _OURS):
                self._begun = True
                self._pass_on(self._held)
            elif not end or not rest:
                return
            else:
                self._held = rest
                self._show(line + end)

    def told(self, record: RunRecord) -> None:
        """Take the result: drop the held line if the result says the same refusal, else show the line."""
        said = b" ".join((_OURS + record.reason.encode(), record.hint.encode())).rstrip()
        if record.cause is Cause.REFUSED and self._held.rstrip() == said:
            self._held = b""
        self._pass_on(self._held)

    def _pass_on(self, held: bytes) -> None:
        self._held = b""
        if held:
            self._show(held)


def _may_be(line: bytes, start: bytes) -> bool:
    """Whether `line` begins with `start`, or may do so once it is complete."""
    return line.startswith(start) or start.startswith(line)
