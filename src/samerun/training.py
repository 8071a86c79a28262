"""Training while somebody watches: read, check, submit and follow, in this very process."""

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
    """Sees a training as it goes."""

    def enter(self, stage: str) -> None:
        """A stage begins."""

    def line(self, text: str) -> None:
        """A line for the person."""

    def progress(self, text: str) -> None:
        """A line that matters only until the next one."""

    def log(self, data: bytes) -> None:
        """Bytes of the script's output."""

    def request(self, plan: Mapping[str, Any]) -> None:
        """What the target is asked for, secrets masked."""


@dataclass(frozen=True)
class Trained:
    """What was trained.

    Attributes:
        launches: the record of each launch, and where it lies.
        failure: what the last line says, where one did not end well.
        signal: the first signal that came, 0 for none.
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
    """Train in each world of the inventory, at once where there are several.

    SIGINT and SIGTERM are the script's once its launch begins; before that they end this.

    Args:
        checking: only say what would be done.

    Raises:
        SamerunError: nothing was started.
        Cancelled: the same, by a signal.
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
    """The training in one world, which has been checked there."""

    def __init__(self, found: Resolved, training: Training, watcher: Watcher) -> None:
        self._detach, self._watcher = training.detach, watcher
        self._shown = Shown(watcher.log)
        self._launcher, self._overrides = submitting.checked(found, training, watcher.progress, self._shown.feed)

    def tell(self, *, settle: bool) -> None:
        """Say where the sources override the contract, and which launches ended unwatched."""
        settled = collector.collect(self._launcher.world)[0] if settle else []
        for line in (*self._overrides, *map(collector.unwatched, settled)):
            self._watcher.line(line)

    def predict(self) -> None:
        """Show what would be asked for."""
        spec, _code = self._launcher.spec(planning=True)
        self._watcher.request(self._launcher.target.plan(spec))

    def carry_out(self, signals: ForLaunches) -> RunRecord:
        """Submit it, and unless it is detached follow it to its end."""
        spec, code = self._launcher.spec()
        self._watcher.request(self._launcher.target.plan(spec))
        with self._shown as shown:
            record = self._launcher.run(spec, code, detach=self._detach, catching=signals.passed_on)
            shown.told(record)
        return record

    def path(self, record: RunRecord) -> str:
        return str(self._launcher.world.folder(record.launch).record)

    def failure(self, ended: RunRecord | SamerunError) -> SamerunError | None:
        """Why it did not end well, None if it did."""
        return ended if isinstance(ended, SamerunError) else attach.failure(ended, self.path(ended))


def _all_carried_out(runs: Sequence[_Run], signals: ForLaunches) -> list[RunRecord | SamerunError]:
    """Carry the launches out, at once where there are several: one that cannot be started stops no other."""
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
