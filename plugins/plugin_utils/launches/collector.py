# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settles launches: reads the outcome from the engine, writes the record, and removes what the engine holds.

The follower of a launch calls it; so does every later command, for launches that ended without a follower.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes, files
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    NO_PERMISSION,
    TEMPORARY,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.launch_folder import LOCK
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    MlflowRun,
    Outcome,
    RunRecord,
    RunState,
    now,
    parse_time,
    seconds_between,
)
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import import_marks
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import leftovers
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target

# A launch from another machine may have a follower there, so its Job or container stays this long after its end.
_ELSEWHERE_SECONDS = 60


def records(world: World) -> Iterator[RunRecord]:
    """Yield the records of the launches that were settled on this host, newest first."""
    found = (files.read_json(path) for path in world.runs.glob("*/record.json"))
    yield from sorted((RunRecord.from_dict(r) for r in found if r), key=lambda r: r.started_at, reverse=True)


def targets(world: World) -> list[Target]:
    """The targets that may hold launches of this world: its own, `process`, and every target that was used."""
    submitted = (str(found.get("target", "")) for found in _submitted(world))
    return [TARGETS[name](world) for name in dict.fromkeys((world.target, "process", *submitted)) if name in TARGETS]


def collect(world: World) -> tuple[list[RunRecord], list[RunRecord]]:
    """Settle every launch that ended without a follower; restart lost launches that have retries left.

    Returns:
        The records settled now, and the records of launches that still run.
    """
    host_of(world).reach()
    done, alive = [], []
    for target in targets(world):
        for record in _launches(target):
            if found := conclude(target, record):
                done.append(found)
            else:
                alive.append(_running(record))
    _forget_unborn(world, {record.launch for record in (*done, *alive)})
    return done, alive


def unwatched(record: RunRecord) -> str:
    """The message about a launch that ended without a follower and was settled now."""
    return f"{record.launch} ended unwatched: {record.state.value} {record.reason}".rstrip()


def note(world: World, record: RunRecord) -> None:
    """Keep a copy of the submitted record on this host, so that a launch that the engine loses is noticed."""
    files.write_private(world.folder(record.launch).submitted, record.as_json())


def _forget_unborn(world: World, known: Collection[str]) -> None:
    """Remove the folders of launches whose command was killed before it submitted them; they hold only a lock."""
    for lock in world.runs.glob(f"*/{LOCK}"):
        # Another command may write into the folder, or remove it, at the same time.
        with contextlib.suppress(OSError):
            unborn = lock.parent.name not in known and [*lock.parent.iterdir()] == [lock]
            if unborn and files.remove_unlocked(lock):
                lock.parent.rmdir()


def _launches(target: Target) -> Iterator[RunRecord]:
    """Yield the launches that the engine holds, then those submitted here that the engine has lost."""
    known = target.launches()
    yield from known
    names = {record.launch for record in known}
    for found in _submitted(target.world):
        if found["target"] == target.NAME and found["launch"] not in names:
            yield RunRecord.from_dict(found)


def _submitted(world: World) -> Iterator[dict[str, Any]]:
    """Yield the records that were submitted on this host and are not settled."""
    # Another command may settle a launch, and remove its file, at the same time.
    yield from filter(None, (files.read_json(path) for path in sorted(world.runs.glob("*/submitted.json"))))


def conclude(target: Target, record: RunRecord, signalled: int = 0) -> RunRecord | None:
    """Settle the launch of `record` if it has ended; restart it instead if it was lost and has retries left.

    Args:
        signalled: the signal that the caller sent to the launch, 0 for none. It becomes the cause if the engine
            holds nothing of the launch any more.

    Returns:
        The complete record; None while the launch runs, or while it has a follower, which will settle it.
    """
    world, launch = target.world, record.launch
    if files.is_locked(world.folder(launch).lock) or (outcome := target.outcome(launch)) is None:
        return None
    lock = world.runs / f".{launch}.lock"
    with files.locked(lock):
        try:
            if before := settled(world, launch):
                # Another command settled it first and may have emptied the engine: its record is kept.
                known = ("state", "exit_code", "cause", "cancelled_by", "reason", "hint", "started_at", "ended_at")
                record, outcome = before, replace(outcome, **{name: getattr(before, name) for name in known})
            elif outcome.gone:
                if signalled:
                    outcome = replace(outcome, **vars(causes.cancelled(signalled)))
                outcome = replace(outcome, **leftovers.told(world, launch))
            elif restarted(target, record, outcome):
                return None
            ours = world.folder(launch).lock.exists()
            return settle(target, record, outcome, keep=not ours and _is_fresh(outcome))
        finally:
            lock.unlink(missing_ok=True)


def settled(world: World, launch: str) -> RunRecord | None:
    """Read the record of a launch that was settled on this host; None if it was not."""
    found = files.read_json(world.folder(launch).record)
    return RunRecord.from_dict(found) if found else None


def restarted(target: Target, record: RunRecord, outcome: Outcome) -> bool:
    """Restart a launch that was lost together with its shim; return whether that was done.

    It does nothing if the launch has no retries left, or if the engine restarts launches itself.
    """
    if not outcome.lost or not record.retries:
        return False
    path = target.world.folder(record.launch).restarts
    with files.locked(path.with_suffix(".lock")):
        count = int(files.read_json(path).get("count", 0))
        if count >= record.retries or not target.restart(record.launch):
            return False
        files.write_json(path, {"count": count + 1})
    return True


def settle(target: Target, record: RunRecord, outcome: Outcome, *, keep: bool = False) -> RunRecord:
    """Write the log, close the MLflow runs, write the completed `record`, and remove what the engine holds.

    With `keep`, or if MLflow did not answer, the engine's part stays for the next command.
    """
    world, report, folder = target.world, outcome.report, target.world.folder(record.launch)
    if not report:
        target.end_rest(record.launch)
    _keep_log(target, record.launch, outcome)
    import_marks.settle(world, record.launch, report)
    record.state, record.exit_code = outcome.state, outcome.exit_code
    record.cause, record.cancelled_by = outcome.cause, outcome.cancelled_by
    record.reason, record.hint = outcome.reason, outcome.hint
    record.started_at = outcome.started_at or record.started_at
    record.ended_at = outcome.ended_at or now()
    # The counts overlap: a report also counts attempts that were lost with their shim. So the largest one holds.
    record.attempts = max(int(report.get("attempts", 1)), 1 + _restarts(world, record.launch), outcome.attempts)
    record.durations["run"] = seconds_between(record.started_at, record.ended_at)
    left = functools.partial(target.left, record.launch)
    told = leftovers.finish(world, record, report, left)
    if not told:
        record.mlflow_runs = [
            MlflowRun(run_id=run["run_id"], experiment="", status=run["status"]) for run in report.get("runs", [])
        ]
    files.write_json(folder.record, record.as_dict())
    if not keep and (told or report.get("closed")):
        target.remove(record.launch)
        for path in (folder.lock, folder.submitted, *folder.path.glob(f"{folder.restarts.stem}.*")):
            path.unlink(missing_ok=True)
    return record


def _restarts(world: World, launch: str) -> int:
    return int(files.read_json(world.folder(launch).restarts).get("count", 0))


def _keep_log(target: Target, launch: str, outcome: Outcome) -> None:
    """Write the whole log beside the record, unless the follower or the shim has written it.

    Raises:
        SamerunError: the engine has the log, but does not answer now.
    """
    folder = target.world.folder(launch)
    path, part = folder.log, folder.log_part
    if not path.exists():
        try:
            files.write_private_stream(path, target.follow(launch))
        except SamerunError as error:
            if not outcome.gone and error.code in (UNAVAILABLE, TEMPORARY, NO_PERMISSION):
                raise
            files.write_private(path, b"")  # the engine has no log
        if part.exists() and part.stat().st_size > path.stat().st_size:
            part.replace(path)  # a killed follower had read more than the engine still has
    part.unlink(missing_ok=True)
    told = int(outcome.report.get("log_bytes", path.stat().st_size))
    if told != path.stat().st_size and (copy := target.log_copy(launch)):
        files.take_better(path, copy, told)  # the shim's copy may be the shorter of the two


def _is_fresh(outcome: Outcome) -> bool:
    if not outcome.ended_at:
        return False
    age = datetime.now(UTC) - parse_time(outcome.ended_at)
    return age.total_seconds() < _ELSEWHERE_SECONDS


def _running(record: RunRecord) -> RunRecord:
    record.state = RunState.RUNNING
    return record
