# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds a launch by a prefix of its id, whichever command started it; then follows it, waits for it or cancels it."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    NO_INPUT,
    TEMPORARY,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector, launch_ids
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import lines
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target

_POLL = 0.2
_PIECE = 1 << 16
# A script has 30 s to end after the signal. If the launch still runs after 40 s, the signal is sent again.
_GRACE_SECONDS = 40.0
_TOLD_BY_CODE = (signal.SIGINT.name, signal.SIGTERM.name)  # the command ends with 130 or 143


@dataclass(frozen=True)
class Attached:
    """A launch of a world, running, ended or settled.

    Attributes:
        record: the record as submitted; complete if the launch is settled.
        target: the target that holds the launch; None if the launch was settled before.
        signalled: the number of the signal that we sent to the launch; 0 for none.
    """

    world: World
    record: RunRecord
    target: Target | None = None
    signalled: int = 0

    @property
    def launch(self) -> str:
        return self.record.launch

    def close(self) -> None:
        """Close idle connections; the next call opens new ones."""
        if self.target:
            self.target.close()

    def refresh(self) -> RunRecord:
        """Return the record as it is now; settle the launch first if it has ended and has no follower."""
        if self.target is None:
            return self.record
        done = self._settled() or collector.conclude(self.target, replace(self.record), self.signalled)
        return done or replace(self.record, state=RunState.RUNNING)

    def log(self) -> Iterator[bytes]:
        """Yield the log up to now."""
        return self._live_log(follow=False) if self.target and not self._settled() else self._kept_log()

    def follow(self) -> Iterator[bytes]:
        """Yield the log from its start and then as it grows, until the launch is settled."""
        shown = 0
        while self.target and not self._settled():
            for piece in self._live_log(shown, follow=True):
                shown += len(piece)
                yield piece
            self._wait_for(lambda record: record.ended_at or self._goes_on())
        # Settling wrote the whole log to a file and removed it from the engine.
        yield from self._kept_log(shown)

    def wait(self, seconds: float | None = None) -> RunRecord:
        """Wait until the launch has ended and is settled, by its follower or by us.

        Args:
            seconds: how long to wait; None for no limit.

        Raises:
            SamerunError: the launch still runs after `seconds`, or the engine does not answer for longer than the
                target's `patience`.
        """
        return self.record if self.target is None else self._wait_for(lambda record: record.ended_at, seconds)

    def cancel(self, number: int = signal.SIGTERM) -> RunRecord:
        """Send signal `number` to the launch and wait until it is settled; a settled launch does not change."""
        while self.target and not self._settled():
            self.target.cancel(self.launch, number)
            try:
                return replace(self, signalled=number).wait(_GRACE_SECONDS)
            except SamerunError as error:
                if error.code != TEMPORARY:
                    raise
        return self.wait()

    def _settled(self) -> RunRecord | None:
        return collector.settled(self.world, self.launch)

    def _wait_for(self, true: Callable[[RunRecord], Any], seconds: float | None = None) -> RunRecord:
        deadline = None if seconds is None else time.monotonic() + seconds
        away = 0.0  # when the engine stopped answering, on the monotonic clock
        while True:
            try:
                if true(record := self.refresh()):
                    return record
                away = 0.0
            except SamerunError:
                away = away or time.monotonic()
                if self.target is None or time.monotonic() - away > self.target.patience:
                    raise
            if deadline is not None and time.monotonic() >= deadline:
                raise SamerunError(
                    f"Failed to wait for {self.launch}: it still goes on after {seconds:g} s.",
                    f"Wait longer, or end it: samerun cancel {self.launch}",
                    TEMPORARY,
                )
            time.sleep(_POLL)

    def _goes_on(self) -> bool:
        """Whether the engine says that the launch still runs, perhaps as a new attempt after a loss."""
        return self.target is not None and self.target.outcome(self.launch) is None

    def _live_log(self, start: int = 0, *, follow: bool) -> Iterator[bytes]:
        """Yield the engine's log from byte `start`; after a cut connection, continue after the last byte."""
        assert self.target is not None  # noqa: S101 - checked by the callers
        shown = start
        while True:
            pieces = self.target.follow(self.launch) if follow else self.target.log(self.launch)
            try:
                for fresh in lines.after(pieces, shown):
                    shown += len(fresh)
                    yield fresh
                return
            except SamerunError:
                # Another follower may have settled the launch and removed it from the engine.
                if self._settled() or not self._goes_on():
                    return
                time.sleep(_POLL)

    def _kept_log(self, start: int = 0) -> Iterator[bytes]:
        with contextlib.suppress(FileNotFoundError), open(self.world.folder(self.launch).log, "rb") as kept:
            kept.seek(start)
            while piece := kept.read(_PIECE):
                yield piece


def find(worlds: Sequence[World], prefix: str = "") -> Attached:
    """Find the launch whose id begins with `prefix`; the newest launch for an empty prefix.

    Raises:
        SamerunError: no id begins so, or more than one does.
    """
    kept = {launch: world for world in worlds for launch in _local(world)}
    live: dict[str, Attached] = {}
    if prefix not in kept:  # for the full id of a settled launch no engine is asked
        for world in worlds:
            host_of(world).reach()
            for target in collector.targets(world):
                live.update({record.launch: Attached(world, record, target) for record in target.launches()})
    launch = launch_ids.chosen({**live, **kept}, prefix)
    if launch not in kept:
        return live[launch]
    record = collector.settled(kept[launch], launch)
    if record is None:
        raise SamerunError(
            f"Failed to read the launch {launch}: it was removed just now.", "See samerun runs", NO_INPUT
        )
    return Attached(kept[launch], record)


def equal(target: Target, fingerprint: str, *, settle: bool) -> Attached | None:
    """Find the newest launch on `target` with this fingerprint that still runs or still has a follower.

    Args:
        settle: whether to settle the launches that ended without a follower, so that `history.finished` finds them.
    """
    known = [record for record in target.launches() if record.fingerprint == fingerprint]
    for record in sorted(known, key=lambda one: launch_ids.age_key(one.launch), reverse=True):
        followed = files.is_locked(target.world.folder(record.launch).lock)
        if followed or target.outcome(record.launch) is None:
            return Attached(target.world, record, target)
        if settle:
            Attached(target.world, record, target).refresh()
    return None


def exit_code(record: RunRecord) -> int:
    """The exit code of a command that waited for the launch: the script's, or 130 or 143 after a cancellation."""
    if record.cause is Cause.CANCELLED and record.cancelled_by in _TOLD_BY_CODE:
        return 128 + signal.Signals[record.cancelled_by]
    return UNAVAILABLE if record.exit_code is None else record.exit_code


def failure(record: RunRecord, path: object) -> SamerunError | None:
    """The error for a launch that failed or was killed; None for every other launch.

    Args:
        path: the path of the launch's record, for the message.
    """
    if record.state not in (RunState.FAILED, RunState.KILLED):
        return None
    message = f"Failed to train {record.script} ({record.launch}): {record.reason} Record: {path}"
    return SamerunError(message, record.hint, exit_code(record))


def _local(world: World) -> set[str]:
    return {path.parent.name for path in world.runs.glob("*/record.json")}
