"""What a launch left is brought in order by whoever collects it, and what is there already stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trackers
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import leftovers
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Left

LAUNCH = "x-20260101-000000-abcd"
NOBODY = Endpoint("x", "x", "process", "x", 1)
ARTIFACT = "/api/2.0/mlflow-artifacts/artifacts/1/a/samerun/log.txt"


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


@pytest.fixture
def world(server: trackers.Tracker, tmp_path: Path) -> World:
    there = Endpoint("mlflow", "mlflow", "process", "x", server.server_port, external=server.url)
    return World(
        "w",
        "process",
        tmp_path / "state",
        pair(there, NOBODY),
        "bucket",
        "region",
        "access",
        "secret key",
    )


@pytest.fixture
def log(world: World) -> Path:
    path = world.folder(LAUNCH).log
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of all attempts\n")
    return path


def finish(world: World, record: RunRecord, report: Mapping[str, Any], left: Left | None = None) -> bool:
    return leftovers.finish(world, record, report, lambda _folder: left or Left())


def closed(run_id: str, status: str, **tags: str) -> dict[str, Any]:
    run = trackers.run(run_id, status)
    run["data"]["tags"] = [{"key": f"samerun.{name}", "value": value} for name, value in tags.items()]
    return run


def record(**more: Any) -> RunRecord:
    return RunRecord(
        **{
            "launch": LAUNCH, "name": "x", "world": "w", "target": "process", "script": "", "script_sha256": "",
            "bundle_sha256": "", "fingerprint": "", "contract": {}, "image": "", "tracking_uri": "",
            "state": RunState.KILLED, "started_at": "2026-01-01T00:00:00Z", **more,
        }
    )  # fmt: skip


def test_what_was_told_of_a_launch_that_is_gone_is_believed(server: trackers.Tracker, world: World) -> None:
    server.runs = [closed("a", "FAILED", state="FAILED", exit_code="3", reason="It failed.")]
    told = leftovers.told(world, LAUNCH)
    assert (told["state"], told["exit_code"], told["reason"]) == (RunState.FAILED, 3, "It failed.")
    assert told["report"]["closed"]


@pytest.mark.parametrize("tags", [{"cause": "cancelled", "cancelled_by": "SIGINT"}, {}], ids=["now", "before"])
def test_who_cancelled_a_launch_that_is_gone_is_known_by_its_tags(
    server: trackers.Tracker, world: World, tags: dict[str, str]
) -> None:
    server.runs = [closed("a", "KILLED", state="KILLED", reason="Cancelled by SIGINT.", **tags)]
    told = leftovers.told(world, LAUNCH)
    assert (told["cause"], told["cancelled_by"], told["exit_code"]) == (Cause.CANCELLED, "SIGINT", None)


@pytest.mark.parametrize("status", ["RUNNING", "SCHEDULED"])
def test_what_an_older_attempt_said_of_a_run_that_went_on_is_not(
    server: trackers.Tracker, world: World, log: Path, status: str
) -> None:
    server.runs = [closed("a", status, state="KILLED", reason="Cancelled by SIGTERM.")]
    assert leftovers.told(world, LAUNCH) == {}
    assert finish(world, record(), {})
    assert server.runs[0]["info"]["status"] == "KILLED"


def test_nothing_is_known_where_mlflow_is_away(server: trackers.Tracker, world: World, log: Path) -> None:
    server.refusal = (503, "busy")
    assert leftovers.told(world, LAUNCH) == {}
    assert not finish(world, record(), {})


@pytest.mark.parametrize(
    "attempts, kept, replaced",
    [(2, b"of the last\n", True), (2, b"of all attempts, and of more than was seen\n", False), (1, b"of it\n", False)],
)
def test_a_log_of_all_attempts_replaces_that_of_the_last(
    server: trackers.Tracker, world: World, log: Path, attempts: int, kept: bytes, replaced: bool
) -> None:
    server.runs, server.artifacts[ARTIFACT] = [trackers.run("a", "FINISHED")], kept
    report = {"closed": True, "kept": True, "log_bytes": len(kept)}
    assert finish(world, record(attempts=attempts), report)
    assert server.artifacts[ARTIFACT] == (log.read_bytes() if replaced else kept)


def test_a_log_that_the_engine_cut_is_fetched_whole(server: trackers.Tracker, world: World, log: Path) -> None:
    whole = b"a line of it\n" * 20_000
    server.runs, server.artifacts[ARTIFACT] = [trackers.run("a", "FINISHED")], whole
    assert finish(world, record(), {"closed": True, "kept": True, "log_bytes": len(whole)})
    assert log.read_bytes() == whole


@pytest.mark.parametrize("here, there", [(b"", b"kept before it died\n"), (b"all of it\n", b"all\n"), (b"x\n", None)])
def test_the_longer_log_is_kept_where_the_shim_died(
    server: trackers.Tracker, world: World, log: Path, here: bytes, there: bytes | None
) -> None:
    log.write_bytes(here)
    server.runs = [trackers.run("a", "RUNNING")]
    server.artifacts = {ARTIFACT: there} if there is not None else {}
    assert finish(world, record(), {})
    assert log.read_bytes() == server.artifacts[ARTIFACT] == max(here, there or b"", key=len)


def test_an_answer_that_ends_early_replaces_nothing(
    server: trackers.Tracker, world: World, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.runs, server.artifacts[ARTIFACT] = [trackers.run("a", "FINISHED")], b"x" * 20_000
    send = trackers._Handler._send

    def cut(handler: Any, status: int, text: str) -> None:
        if not text.startswith("xxx"):
            return send(handler, status, text)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text[:9_000].encode())
        handler.close_connection = True
        return None

    monkeypatch.setattr(trackers._Handler, "_send", cut)
    assert finish(world, record(), {"closed": True, "kept": True, "log_bytes": 20_000})
    assert log.read_bytes() == b"of all attempts\n"


def test_an_open_run_is_told_from_a_closed_one() -> None:
    assert tracking.is_open(trackers.run("a", "RUNNING"))
    assert not tracking.is_open(trackers.run("a", "KILLED"))


def test_what_a_killed_shim_left_is_kept_with_the_run(
    server: trackers.Tracker, world: World, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "code").write_bytes(b"bundle")
    (tmp_path / "model").write_bytes(b"weights")
    server.runs = [trackers.run("a", "RUNNING")]
    left = Left(str(tmp_path / "code"), (("deep/model", str(tmp_path / "model")),))
    assert finish(world, record(outputs=["deep"]), {}, left=left)
    kept = {path.partition("/artifacts/1/a/")[2]: found for path, found in server.artifacts.items()}
    assert kept["samerun/code.tar.gz"] == b"bundle"
    assert kept["outputs/deep/model"] == b"weights"
    assert kept["samerun/log.txt"] == log.read_bytes()


def test_files_of_a_launch_without_a_run_come_back(
    server: trackers.Tracker, world: World, log: Path, tmp_path: Path
) -> None:
    (tmp_path / "model").write_bytes(b"weights")
    left = Left("", (("deep/model", str(tmp_path / "model")),))
    report = {"closed": True, "kept": True, "log_bytes": 0}
    assert finish(world, record(outputs=["deep"], state=RunState.FINISHED), report, left=left)
    assert (log.parent / "outputs" / "deep" / "model").read_bytes() == b"weights"
    assert [path.name for path in log.parent.glob(".left-*")] == []


def test_an_engine_that_is_away_keeps_what_it_has(server: trackers.Tracker, world: World, log: Path) -> None:
    def away(_folder: Path) -> Left:
        raise SamerunError("Failed to copy: nothing answers.")

    server.runs = [trackers.run("a", "RUNNING")]
    with pytest.raises(SamerunError, match="nothing answers"):
        leftovers.finish(world, record(), {}, away)
