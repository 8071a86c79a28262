"""The class with which a Python program handles a launch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.attach import Attached


class Launch:
    """One launch, started by `samerun.submit` or found by `samerun.attach`.

    The launch goes on if this object is deleted or the program ends. Ctrl+C during a method ends only the method.
    Between calls of methods the object holds no connection or file open.
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
        """The record as it is now; complete once the launch has ended.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            return attached.refresh()

    @property
    def state(self) -> RunState:
        """The state now; see `record`."""
        return self.record.state

    def follow(self) -> Iterator[bytes]:
        """Yield the log from its start and then as it grows, until the launch has ended.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            yield from attached.follow()

    def logs(self) -> bytes:
        """Read the log up to now.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            return b"".join(attached.log())

    def wait(self, timeout: float | None = None) -> RunRecord:
        """Wait until the launch has ended.

        Args:
            timeout: how many seconds to wait; None for no limit.

        Raises:
            SamerunError: the launch still runs after `timeout` seconds, or the engine gives no answer for long.
        """
        with contextlib.closing(self._attached) as attached:
            return attached.wait(timeout)

    def cancel(self) -> RunRecord:
        """End the launch by SIGTERM, and 30 s later by SIGKILL; a launch that has ended does not change.

        Raises:
            SamerunError: the engine does not answer.
        """
        with contextlib.closing(self._attached) as attached:
            return attached.cancel()
