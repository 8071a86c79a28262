"""Trains in this process, without a play: reads the inventory, checks, submits and follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach, collector
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.refusals import Shown
from samerun import submitting
from samerun.interrupts import Cancelled, ForLaunches, Interrupts
from samerun.request import Training
from samerun.resolving import Resolved
from samerun.variables import Variables


class Watcher(Protocol):
    """Is called with what happens during a training."""

    def enter(self, stage: str) -> None:
        """Note that a stage begins."""

    def line(self, text: str) -> None:
        """Take a line for the user."""

    def progress(self, text: str) -> None:
        """Take a line about progress, which replaces the one before."""

    def log(self, data: bytes) -> None:
        """Take bytes of the script's output."""

    def request(self, plan: Mapping[str, Any]) -> None:
        """Take the request to a target, secrets masked."""


@dataclass(frozen=True)
class Trained:
    """The result of a training in all worlds of an inventory.

    Attributes:
        launches: the record of each launch, and the record's path.
        failure: the error to end with if a launch failed; None for success.
        signal: the number of the first signal, 0 for none.
    """

    launches: Sequence[tuple[RunRecord, str]]
    failure: SamerunError | None = None
    signal: int = 0

    @property
    def records(self) -> list[RunRecord]:
        return [record for record, _path in self.launches]


def train(
    training: Training, inventory: str, variables: Variables, watcher: Watcher, *, checking: bool = False
) -> Trained:
    """Train in each world of the inventory, in all of them at the same time.

    Until the first launch begins, SIGINT and SIGTERM end the training; from then on they go to the scripts.

    Args:
        checking: only show the requests, start nothing.

    Raises:
        SamerunError: nothing was started.
        Cancelled: nothing was started, because of a signal.
    """
    signals = ForLaunches()
    with Interrupts(signals.take) as interrupts:
        watcher.enter("Checking")
        found = submitting.resolved(training, inventory, variables)
        for line in (line for each in found for line in each.warnings):
            watcher.line(line)
        runs = [_Run(each, training, watcher) for each in found]
        for run in runs:
            run.tell(settle=not checking)
        watcher.enter("Training")
        if checking:
            for run in runs:
                run.predict()
            return Trained([])
        ended = _all_carried_out(runs, signals)
    launches = [(end, run.path(end)) for run, end in zip(runs, ended, strict=True) if isinstance(end, RunRecord)]
    failures = [run.failure(end) for run, end in zip(runs, ended, strict=True)]
    failure = next(filter(None, failures), None)
    if failure and not launches:
        raise Cancelled(interrupts.first) if interrupts.first else failure
    return Trained(launches, failure, interrupts.first)


class _Run:
    """The training in one world; checks it when constructed."""

    def __init__(self, found: Resolved, training: Training, watcher: Watcher) -> None:
        self._detach, self._watcher = training.detach, watcher
        self._shown = Shown(watcher.log)
        self._launcher, self._overrides = submitting.checked(found, training, watcher.progress, self._shown.feed)

    def tell(self, *, settle: bool) -> None:
        """Say where the sources override the contract, and which launches were settled now."""
        settled = collector.collect(self._launcher.world)[0] if settle else []
        for line in (*self._overrides, *map(collector.unwatched, settled)):
            self._watcher.line(line)

    def predict(self) -> None:
        """Show the request that would be sent to the target."""
        spec, _code = self._launcher.spec(planning=True)
        self._watcher.request(self._launcher.target.plan(spec))

    def carry_out(self, signals: ForLaunches) -> RunRecord:
        """Submit the launch and, unless it is detached, follow it to its end."""
        spec, code = self._launcher.spec()
        self._watcher.request(self._launcher.target.plan(spec))
        with self._shown as shown:
            record = self._launcher.run(spec, code, detach=self._detach, catching=signals.passed_on)
            shown.told(record)
        return record

    def path(self, record: RunRecord) -> str:
        return str(self._launcher.world.folder(record.launch).record)

    def failure(self, ended: RunRecord | SamerunError) -> SamerunError | None:
        """The error of a launch that failed or could not be started; None for success."""
        return ended if isinstance(ended, SamerunError) else attach.failure(ended, self.path(ended))


def _all_carried_out(runs: Sequence[_Run], signals: ForLaunches) -> list[RunRecord | SamerunError]:
    """Carry out all launches at the same time; if one cannot be started, the others go on."""
    if len(runs) == 1:
        return [_carried_out(signals, runs[0])]
    signals.begin()
    with ThreadPoolExecutor(len(runs)) as pool:
        return list(pool.map(partial(_carried_out, signals), runs))


def _carried_out(signals: ForLaunches, run: _Run) -> RunRecord | SamerunError:
    try:
        return run.carry_out(signals)
    except SamerunError as error:
        return error
