"""One launch is settled once, whoever looks at it meanwhile."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fakes
import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    NO_PERMISSION,
    TEMPORARY,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.run import Outcome, RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector

LAUNCH = "x-20260101-000000-abcd"
NOBODY = Endpoint("x", "x", "process", "x", 1)  # MLflow is away


class Engine(fakes.FakeTarget):
    """A target whose one launch has ended; once it is removed, nothing is known of it but that it is gone."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.removed = 0
        self.both = threading.Barrier(2, timeout=10)

    def outcome(self, launch: str) -> Outcome:
        found = Outcome(exit_code=0, state=RunState.FINISHED, report={"closed": True})
        if self.removed:
            found = Outcome(exit_code=None, state=RunState.KILLED, reason="gone", report={})
        self.both.wait()
        return found

    def follow(self, launch: str) -> Iterator[bytes]:
        yield b"line\n"

    def remove(self, launch: str) -> None:
        self.removed += 1


def record() -> RunRecord:
    return RunRecord(
        launch=LAUNCH, name="x", world="w", target="process", script="", script_sha256="", bundle_sha256="",
        fingerprint="", contract={}, image="", tracking_uri="",
    )  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    world = World(
        "w",
        "process",
        tmp_path / "state",
        pair(NOBODY),
        "bucket",
        "region",
        "access",
        "secret key",
    )
    return Engine(world)


def test_two_that_settle_at_once_agree(engine: Any) -> None:
    found: list[RunRecord | None] = []
    both = [threading.Thread(target=lambda: found.append(collector.conclude(engine, record()))) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert [one and one.state for one in found] == [RunState.FINISHED, RunState.FINISHED]
    assert sorted(path.name for path in engine.world.runs.iterdir()) == [LAUNCH]
    assert sorted(path.name for path in (engine.world.runs / LAUNCH).iterdir()) == ["log.txt", "record.json"]


def test_who_comes_later_does_not_overwrite_what_was_written(engine: Any) -> None:
    engine.both = threading.Barrier(1)
    assert collector.conclude(engine, record())
    again = collector.conclude(engine, record())
    assert again is not None
    assert (again.state, again.exit_code, again.reason) == (RunState.FINISHED, 0, "")
    assert collector.settled(engine.world, LAUNCH) == again


def test_who_follows_a_launch_settles_it(engine: Any) -> None:
    with files.locked(engine.world.folder(LAUNCH).lock):
        assert collector.conclude(engine, record()) is None
    assert not engine.removed


def test_a_launch_on_a_target_that_is_not_the_worlds_is_looked_for_there(engine: Any) -> None:
    world = engine.world
    assert [target.NAME for target in collector.targets(world)] == ["process"]
    collector.note(world, replace(record(), target="docker"))
    assert [target.NAME for target in collector.targets(world)] == ["process", "docker"]


class Away(Engine):
    """A target whose engine went away between the end of its launch and the reading of its log."""

    def __init__(self, world: World, code: int = UNAVAILABLE, report: dict[str, Any] | None = None) -> None:
        super().__init__(world)
        self.problem = SamerunError("Failed to follow: nothing answers.", "", code)
        self.report = {"closed": True, **(report or {})}
        self.gone = False
        self.copy = b""

    def outcome(self, launch: str) -> Outcome:
        return Outcome(exit_code=0, state=RunState.FINISHED, report=self.report, gone=self.gone)

    def follow(self, launch: str) -> Iterator[bytes]:
        if self.problem:
            raise self.problem
        yield b"line\n"

    def log_copy(self, launch: str) -> Iterator[bytes]:
        return iter([self.copy[:3], self.copy[3:]])


@pytest.mark.parametrize("code", [UNAVAILABLE, TEMPORARY, NO_PERMISSION])
def test_a_log_that_the_engine_still_has_is_waited_for(engine: Any, code: int) -> None:
    away: Any = Away(engine.world, code)
    with pytest.raises(SamerunError, match="nothing answers"):
        collector.conclude(away, record())
    assert (away.removed, collector.settled(engine.world, LAUNCH)) == (0, None)
    away.problem = None
    assert collector.conclude(away, record())
    assert engine.world.folder(LAUNCH).log.read_bytes() == b"line\n"
    assert away.removed == 1


def test_a_launch_that_its_engine_has_forgotten_has_no_log(engine: Any) -> None:
    away: Any = Away(engine.world)
    away.gone = True
    assert collector.conclude(away, record())
    assert engine.world.folder(LAUNCH).log.read_bytes() == b""


def test_a_cancelled_launch_that_somebody_else_settled_and_removed_was_cancelled(engine: Any) -> None:
    away: Any = Away(engine.world)
    away.gone = True
    found = collector.conclude(away, record(), signal.SIGTERM)
    assert found is not None
    assert (found.cause, found.cancelled_by) == (Cause.CANCELLED, "SIGTERM")
    assert found.reason == "Cancelled by SIGTERM."
    assert collector.settled(engine.world, LAUNCH) == found


@pytest.mark.parametrize(
    "copy, kept",
    [
        (b"line\nand more\n", b"line\nand more\n"),
        (b"li", b"line\n"),  # it was cut, as one of more than a gigabyte is
        (b"l\xefn\n", b"l\xefn\n"),  # the engine made text of it, and the copy has just what the shim counted
        (b"", b"line\n"),
    ],
)
def test_the_better_of_two_logs_is_kept(engine: Any, copy: bytes, kept: bytes) -> None:
    away: Any = Away(engine.world, report={"log_bytes": 4})
    away.problem, away.copy = None, copy
    assert collector.conclude(away, record())
    assert engine.world.folder(LAUNCH).log.read_bytes() == kept
    assert sorted(path.name for path in (engine.world.runs / LAUNCH).iterdir()) == ["log.txt", "record.json"]


def test_what_a_submitter_left_that_died_before_its_engine_heard_of_it_is_removed(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = engine.world
    monkeypatch.setattr(collector, "host_of", lambda _world: SimpleNamespace(reach=lambda: None))
    monkeypatch.setattr(
        collector, "targets", lambda _world: [SimpleNamespace(launches=lambda: [record()], world=world)]
    )
    monkeypatch.setattr(collector, "conclude", lambda _target, _record: None)
    for name in ("unborn", "held", "begun", LAUNCH):
        files.write_private(world.folder(name).lock, b"")
    files.write_private(world.folder("begun").log_part, b"")
    with files.locked(world.folder("held").lock):
        _done, alive = collector.collect(world)
    assert [one.launch for one in alive] == [LAUNCH], "the engine knows it"
    assert {path.name for path in world.runs.iterdir()} == {"held", "begun", LAUNCH}
    collector.collect(world)
    assert {path.name for path in world.runs.iterdir()} == {"begun", LAUNCH}
