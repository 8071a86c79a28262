# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Launches that somebody else started: found by a prefix, followed, waited for and cancelled, on every target."""

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
# A script has 30 s between the signal and its end; what still goes on then is to end at once.
_GRACE_SECONDS = 40.0
_TOLD_BY_CODE = (signal.SIGINT.name, signal.SIGTERM.name)  # 130 and 143


@dataclass(frozen=True)
class Attached:
    """A launch of a world.

    Attributes:
        record: as it was submitted, or complete where the launch has been settled.
        target: where it still is; None once it was settled here.
        signalled: the signal that it got from us.
    """

    world: World
    record: RunRecord
    target: Target | None = None
    signalled: int = 0

    @property
    def launch(self) -> str:
        return self.record.launch

    def close(self) -> None:
        """Close idle connections; the next call opens what it needs."""
        if self.target:
            self.target.close()

    def look(self) -> RunRecord:
        """What is known of the launch now; it is settled if it has ended and nobody follows it."""
        if self.target is None:
            return self.record
        done = self._settled() or collector.conclude(self.target, replace(self.record), self.signalled)
        return done or replace(self.record, state=RunState.RUNNING)

    def log(self) -> Iterator[bytes]:
        """What there is of the log by now."""
        return self._live_log(follow=False) if self.target and not self._settled() else self._kept_log()

    def follow(self) -> Iterator[bytes]:
        """The log from its start, as it comes, until the launch has ended and is settled."""
        shown = 0
        while self.target and not self._settled():
            for piece in self._live_log(shown, follow=True):
                shown += len(piece)
                yield piece
            self._wait_for(lambda record: record.ended_at or self._goes_on())
        # Whoever settled the launch took its log from the engine, and wrote the whole of it.
        yield from self._kept_log(shown)

    def wait(self, seconds: float | None = None) -> RunRecord:
        """Wait until the launch has ended and is settled, by whoever follows it or by us.

        Raises:
            SamerunError: it still goes on after `seconds`, or the engine is away for long.
        """
        return self.record if self.target is None else self._wait_for(lambda record: record.ended_at, seconds)

    def cancel(self, number: int = signal.SIGTERM) -> RunRecord:
        """Pass signal `number` to the launch and wait for its end; one that has ended stays as it is."""
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
        away = 0.0  # since when the engine does not answer
        while True:
            try:
                if true(record := self.look()):
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
        """Whether the engine says so; after a loss it may have been started again."""
        return self.target is not None and self.target.outcome(self.launch) is None

    def _live_log(self, start: int = 0, *, follow: bool) -> Iterator[bytes]:
        """The engine's log from byte `start` on; where the connection is cut, it goes on after the last byte."""
        assert self.target is not None  # noqa: S101 - the callers have looked
        shown = start
        while True:
            pieces = self.target.follow(self.launch) if follow else self.target.log(self.launch)
            try:
                for fresh in lines.after(pieces, shown):
                    shown += len(fresh)
                    yield fresh
                return
            except SamerunError:
                # Another one who followed may have settled it, and the engine knows it no more.
                if self._settled() or not self._goes_on():
                    return
                time.sleep(_POLL)

    def _kept_log(self, start: int = 0) -> Iterator[bytes]:
        with contextlib.suppress(FileNotFoundError), open(self.world.folder(self.launch).log, "rb") as kept:
            kept.seek(start)
            while piece := kept.read(_PIECE):
                yield piece


def find(worlds: Sequence[World], prefix: str = "") -> Attached:
    """The launch whose id begins with `prefix`; the newest one for an empty prefix.

    Raises:
        SamerunError: there is none, or more than one.
    """
    kept = {launch: world for world in worlds for launch in _local(world)}
    live: dict[str, Attached] = {}
    if prefix not in kept:  # an id in full needs no engine
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
    """The newest launch on `target` with this fingerprint that goes on, or whose end somebody records just now.

    Args:
        settle: whether those that ended and that nobody follows are settled, so that they count among the finished.
    """
    known = [record for record in target.launches() if record.fingerprint == fingerprint]
    for record in sorted(known, key=lambda one: launch_ids.age_key(one.launch), reverse=True):
        followed = files.is_locked(target.world.folder(record.launch).lock)
        if followed or target.outcome(record.launch) is None:
            return Attached(target.world, record, target)
        if settle:
            Attached(target.world, record, target).look()
    return None


def exit_code(record: RunRecord) -> int:
    """How a command ends that waited for the launch: as the script did, 130 or 143 where it was cancelled."""
    if record.cause is Cause.CANCELLED and record.cancelled_by in _TOLD_BY_CODE:
        return 128 + signal.Signals[record.cancelled_by]
    return UNAVAILABLE if record.exit_code is None else record.exit_code


def failure(record: RunRecord, path: object) -> SamerunError | None:
    """What is said of a launch that was waited for and did not end well; None for every other one.

    Args:
        path: where its record is.
    """
    if record.state not in (RunState.FAILED, RunState.KILLED):
        return None
    message = f"Failed to train {record.script} ({record.launch}): {record.reason} Record: {path}"
    return SamerunError(message, record.hint, exit_code(record))


def _local(world: World) -> set[str]:
    return {path.parent.name for path in world.runs.glob("*/record.json")}
