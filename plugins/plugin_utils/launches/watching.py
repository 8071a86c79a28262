# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows a launch for the command that started it: shows its log over all attempts, and passes signals on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import SOFTWARE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.launch_folder import LaunchFolder
from ansible_collections.samerun.stack.plugins.module_utils.run import Outcome, RunRecord
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import lines
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target


class PendingSignals:
    """Signals for a launch: kept until the launch is submitted, then passed on.

    Attributes:
        cancelled: whether any signal came.
    """

    def __init__(self, target: Target, launch: str) -> None:
        self.cancelled = False
        self._target, self._launch = target, launch
        self._waiting: list[int] = []
        self._submitted = False

    def take(self, number: int) -> None:
        """Pass signal `number` on, now or once the launch is submitted."""
        self.cancelled = True
        if self._submitted:
            self._target.cancel(self._launch, number)
        else:
            self._waiting.append(number)

    def submitted(self) -> None:
        """Pass on the signals that came before the launch was submitted; later ones are passed on at once."""
        self._submitted = True
        for number in self._waiting:
            self._target.cancel(self._launch, number)


def watch(
    target: Target, record: RunRecord, pending: PendingSignals, show: Callable[[bytes], None]
) -> tuple[Outcome, float]:
    """Follow a launch to its end, over all its attempts.

    Returns:
        The outcome, and when the first byte of the log came (seconds of the monotonic clock, 0.0 for none).
    """
    log = LogKeeper(target.world.folder(record.launch), show)
    while True:
        log.take(target.follow(record.launch))
        outcome = target.outcome(record.launch)
        if outcome is None:
            raise SamerunError(f"Failed to follow {record.launch}: its log ended before it did.", "", SOFTWARE)
        if pending.cancelled or not collector.restarted(target, record, outcome):
            log.end()
            return outcome, log.first
        target.say(f"{outcome.reason} It is started again.")


class LogKeeper:
    """Shows each byte of a log once and writes it to a file, even if the engine sends the log from its start again.

    On the process target the shim itself writes the log file. On the others the log is first written to a partial
    file. If we are killed, the command that settles the launch sees that the log file is missing.

    Attributes:
        first: when the first byte came, in seconds of the monotonic clock; 0.0 for none.
    """

    def __init__(self, folder: LaunchFolder, show: Callable[[bytes], None]) -> None:
        self.first = 0.0
        self._path, self._part = folder.log, folder.log_part
        self._show = show
        self._taken = 0
        if not self._path.exists():
            files.write_private(self._part, b"")

    def take(self, pieces: Iterable[bytes]) -> None:
        """Read the log from its start; show and write only what was not taken before."""
        with open(self._part if self._part.exists() else os.devnull, "ab") as copy:
            for fresh in lines.after(pieces, self._taken):
                self._taken += len(fresh)
                self.first = self.first or time.monotonic()
                copy.write(fresh)
                copy.flush()
                self._show(fresh)

    def end(self) -> None:
        """Give the partial file its final name: the log is complete."""
        if self._part.exists():
            self._part.replace(self._path)
