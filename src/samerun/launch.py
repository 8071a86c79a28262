"""A launch in the hands of a Python program."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.attach import Attached


class Launch:
    """One launch, started by `samerun.submit` or found by `samerun.attach`.

    It goes on whatever becomes of this object or of this program. Ctrl+C in one of its methods ends the method alone.
    The object holds nothing open between its methods.
    """

    def __init__(self, attached: Attached) -> None:
        self._attached = attached

    def __repr__(self) -> str:
        return f"Launch({self.id!r})"

    @property
    def id(self) -> str:
        return self._attached.launch

    @property
    def record(self) -> RunRecord:
        """What is known of it now; complete once it has ended.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            return attached.look()

    @property
    def state(self) -> RunState:
        """Its state now; see `record`."""
        return self.record.state

    def follow(self) -> Iterator[bytes]:
        """Its log from the start, as it comes, until it has ended.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            yield from attached.follow()

    def logs(self) -> bytes:
        """What there is of its log by now.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            return b"".join(attached.log())

    def wait(self, timeout: float | None = None) -> RunRecord:
        """Wait for its end.

        Raises:
            SamerunError: it still goes on after `timeout` seconds, or the engine is away for long.
        """
        with contextlib.closing(self._attached) as attached:
            return attached.wait(timeout)

    def cancel(self) -> RunRecord:
        """End it: SIGTERM, and 30 s later SIGKILL; one that has ended stays as it is.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            return attached.cancel()
