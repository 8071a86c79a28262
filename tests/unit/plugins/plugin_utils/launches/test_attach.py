"""The log of a launch is whole whoever takes it from the engine, and a cancel or a wait ends as it should."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils import causes, files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import Outcome, RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach, collector

NEW = "train-20260102-000000-0123"


def record(**more: Any) -> RunRecord:
    known = RunRecord(
        launch=NEW, name="x", world="w", target="process", script="", script_sha256="", bundle_sha256="",
        fingerprint="", contract={}, image="", tracking_uri="",
    )  # fmt: skip
    return replace(known, **more)


@pytest.mark.parametrize(
    "more, code",
    [
        ({"state": RunState.FINISHED, "exit_code": 0}, 0),
        ({"state": RunState.FAILED, "exit_code": 77}, 77),
        ({"state": RunState.FAILED, "reason": "Failed to reach MLflow"}, UNAVAILABLE),
        ({"state": RunState.KILLED, "exit_code": 7, **vars(causes.cancelled(15))}, 143),
        ({"state": RunState.KILLED, "exit_code": 1, **vars(causes.cancelled(2))}, 130),
        ({"state": RunState.KILLED, "exit_code": None, **vars(causes.cancelled(2, started=False))}, 130),
        ({"state": RunState.KILLED, "exit_code": 129, **vars(causes.cancelled(1))}, 129),
        ({"state": RunState.KILLED, "exit_code": 137, **vars(causes.ended("SIGTERM.py", -9))}, 137),
        ({"state": RunState.FAILED, "exit_code": 3, "reason": "It says SIGTERM and means no cancel"}, 3),
    ],
)
def test_who_waits_ends_as_the_script_or_as_cancelled(more: dict[str, Any], code: int) -> None:
    assert attach.exit_code(record(**more)) == code


@pytest.mark.parametrize(
    "more, code",
    [
        ({"state": "KILLED", "exit_code": 7, "reason": "Cancelled by SIGTERM."}, 143),
        ({"state": "KILLED", "exit_code": None, "reason": "Cancelled by SIGINT before the script started."}, 130),
        ({"state": "KILLED", "exit_code": 137, "reason": "It was ended by SIGKILL."}, 137),
    ],
)
def test_a_record_of_the_version_before_ends_as_it_did(more: dict[str, Any], code: int) -> None:
    known = {key: value for key, value in record().as_dict().items() if key not in ("cause", "cancelled_by")}
    assert attach.exit_code(RunRecord.from_dict({**known, **more})) == code


class Engine(fakes.FakeTarget):
    """A target with one launch; each call of `follow` does what the next of `ways` says."""

    LOG = b"one\ntwo\nthree\n"

    def __init__(self, world: World, *ways: str) -> None:
        super().__init__(world)
        self.ways = list(ways)
        self.waits = 0.0
        self.over = False
        self.signals: list[int] = []

    @property
    def patience(self) -> float:
        return self.waits

    def follow(self, launch: str) -> Iterator[bytes]:
        way = self.ways.pop(0)
        yield self.LOG[:5]
        if way == "cut":
            raise SamerunError("Failed to follow: the connection was cut.")
        self.over = True
        if way == "settled elsewhere":
            files.write_private(self.world.folder(NEW).log, self.LOG)
            done = record(state=RunState.FINISHED, exit_code=0, ended_at="2026-01-02T00:00:01Z")
            files.write_json(self.world.folder(NEW).record, done.as_dict())
            raise SamerunError("Failed to follow: there is no such container.")
        yield self.LOG[5:]

    def log(self, launch: str) -> Iterator[bytes]:
        yield self.LOG[:5]

    def outcome(self, launch: str) -> Outcome | None:
        return Outcome(exit_code=0, state=RunState.FINISHED, report={"closed": True}) if self.over else None

    def cancel(self, launch: str, number: int) -> None:
        self.signals.append(number)
        self.over = len(self.signals) > 1

    def remove(self, launch: str) -> None:
        self.LOG = b""


@pytest.fixture
def world(tmp_path: Path) -> World:
    nobody = Endpoint("x", "x", "process", "x", 1)
    return World(
        "w",
        "process",
        tmp_path / "state",
        pair(nobody),
        "bucket",
        "region",
        "access",
        "secret key",
    )


@pytest.mark.parametrize(
    "ways", [["whole"], ["cut", "cut", "whole"], ["settled elsewhere"], ["cut", "settled elsewhere"]]
)
def test_a_followed_log_is_whole(world: World, ways: list[str]) -> None:
    # The second call of follow is the collector's own.
    engine: Any = Engine(world, *ways, "whole")
    attached = attach.Attached(world, record(), engine)
    assert b"".join(attached.follow()) == b"one\ntwo\nthree\n"
    assert attached.wait().state is RunState.FINISHED
    assert b"".join(attached.follow()) == b"one\ntwo\nthree\n"


def test_a_log_so_far_is_what_the_engine_has(world: World) -> None:
    engine: Any = Engine(world)
    assert b"".join(attach.Attached(world, record(), engine).log()) == b"one\nt"


def test_a_wait_that_is_too_short_says_so_and_leaves_the_launch(world: World) -> None:
    engine: Any = Engine(world)
    with pytest.raises(SamerunError, match=r"still goes on after 0\.1 s"):
        attach.Attached(world, record(), engine).wait(0.1)
    assert engine.signals == []


@pytest.mark.parametrize("patience", [0.0, 0.5])
def test_who_waits_gives_an_engine_up_after_its_patience(world: World, patience: float) -> None:
    engine: Any = Engine(world)
    tries: list[int] = []

    def away(_launch: str) -> Outcome | None:
        tries.append(1)
        raise SamerunError("the engine went away", "", UNAVAILABLE)

    engine.outcome, engine.waits = away, patience
    with pytest.raises(SamerunError, match="went away"):
        attach.Attached(world, record(), engine).wait()
    assert (len(tries) > 2) is bool(patience)


def test_a_signal_that_did_not_arrive_is_sent_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "_GRACE_SECONDS", 0.3)
    engine: Any = Engine(world, "whole")
    assert attach.Attached(world, record(), engine).cancel().ended_at
    assert engine.signals == [15, 15]


def test_a_cancel_leaves_the_reason_of_an_end_that_it_did_not_cause(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = "The node node-2 was lost with the pod."
    engine: Any = Engine(world, "whole")
    engine.over = True
    monkeypatch.setattr(engine, "cancel", lambda _launch, _number: None)
    found = Outcome(exit_code=None, state=RunState.KILLED, reason=lost, report={"closed": True})
    monkeypatch.setattr(engine, "outcome", lambda _launch: found)
    done = attach.Attached(world, record(), engine).cancel()
    kept = collector.settled(world, NEW)
    assert kept is not None
    assert (done.reason, kept.reason) == (lost, lost)


@pytest.mark.parametrize(
    "goes_on, followed, found",
    [(True, False, NEW), (False, True, NEW), (False, False, None)],
    ids=["it goes on", "its end is being recorded", "it ended"],
)
def test_an_equal_launch_is_one_of_the_same_fingerprint_that_goes_on(
    world: World, goes_on: bool, followed: bool, found: str | None
) -> None:
    engine: Any = Engine(world)
    engine.over = not goes_on
    engine.launches = lambda: [record(fingerprint="same"), record(fingerprint="other", launch=f"{NEW[:-4]}4567")]
    with files.locked(world.folder(NEW).lock) if followed else contextlib.nullcontext():
        going = attach.equal(engine, "same", settle=False)
    assert (going.launch if going else None) == found
    assert attach.equal(engine, "none of these", settle=True) is None
    assert collector.settled(world, NEW) is None


def test_an_equal_launch_that_ended_unwatched_is_settled_and_counts_as_finished(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Any = Engine(world, "whole")
    engine.over = True
    engine.launches = lambda: [record(fingerprint="same")]
    outcome = Outcome(exit_code=0, state=RunState.FINISHED, report={"closed": True})
    monkeypatch.setattr(engine, "outcome", lambda _launch: outcome)
    assert attach.equal(engine, "same", settle=True) is None
    kept = collector.settled(world, NEW)
    assert kept is not None
    assert kept.state is RunState.FINISHED


def test_an_id_in_full_of_a_settled_launch_needs_no_engine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_json(world.folder(NEW).record, record(ended_at="2026-01-02T00:00:01Z").as_dict())
    monkeypatch.setattr(collector, "targets", lambda _world: pytest.fail("it asked the engine"))
    assert attach.find([world], NEW).launch == NEW
