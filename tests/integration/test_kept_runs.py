"""What stays of a launch in MLflow and beside its record, and how another attempt goes on with its run."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import difficult
import engines
import launches
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils import masking
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.world import store

TRAINER = {"requirements": str(worlds.ROOT / "trainer" / "requirements.txt")}
SECRET = "canary of/the+user=1"


@pytest.fixture(scope="module")
def failed(real: worlds.RealWorld, tmp_path_factory: pytest.TempPathFactory) -> launches.Launched:
    """A launch that leaves files, shows its secrets and fails outside of any `with`."""
    project = tmp_path_factory.mktemp("leaves")
    shutil.copy(difficult.DATA / "leaves_files.py", project)
    return launches.launch(
        real.world, **TRAINER, script=str(project / "leaves_files.py"), secret_env={"OF_THE_USER": SECRET},
        outputs=["plots/**", "*.bin", "absent"], keep_code=True,
    )  # fmt: skip


def test_a_wrong_status_is_corrected_and_said_so(failed: launches.Launched, world: World) -> None:
    (run,) = mlflow_runs(world, failed.record)
    assert run["info"]["status"] == "FAILED"
    assert tracking.tag(run, tracking.CORRECTED_TAG).startswith("FINISHED -> FAILED")


def test_how_it_ended_is_tagged(failed: launches.Launched, world: World) -> None:
    (run,) = mlflow_runs(world, failed.record)
    tags = {row["key"]: row["value"] for row in run["data"]["tags"]}
    wanted = {
        "launch": failed.record.launch, "state": "FAILED", "exit_code": "3", "world": world.name,
        "target": world.target, "script": "leaves_files.py", "bundle_sha256": failed.record.bundle_sha256,
        "fingerprint": failed.record.fingerprint, "reason": failed.record.reason,
    }  # fmt: skip
    assert {name: tags.get(f"samerun.{name}") for name in wanted} == wanted
    assert float(tags["samerun.seconds"]) > 0


def test_log_record_code_and_files_are_artifacts(failed: launches.Launched, world: World) -> None:
    (run,) = mlflow_runs(world, failed.record)
    kept = keeping.Artifacts(run["info"]["artifact_uri"], server(world), store.objects(world))
    assert kept.get(keeping.LOG) == failed.log
    assert b'"exit_code": 3' in kept.get(keeping.RECORD)
    assert len(kept.get(keeping.CODE)) > 100
    assert kept.get("outputs/model.bin") == bytes(range(256))


def test_files_that_the_script_left_come_back(failed: launches.Launched, world: World) -> None:
    folder = world.folder(failed.record.launch).outputs
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {"model.bin": bytes(range(256)), "plots/deep/größe 1.txt": b"plot"}


def test_no_secret_is_in_anything_that_is_shown_or_kept(failed: launches.Launched, world: World) -> None:
    given = world.given_credentials
    assert given is not None
    (run,) = mlflow_runs(world, failed.record)
    kept = keeping.Artifacts(run["info"]["artifact_uri"], server(world), store.objects(world))
    places = [failed.log, kept.get(keeping.LOG), kept.get(keeping.RECORD), repr(run).encode()]
    places += [path.read_bytes() for path in (world.runs / failed.record.launch).glob("*.*") if path.is_file()]
    assert b"left" in failed.log
    assert b"********" in failed.log
    assert [form for form in masking.forms([SECRET, *given.values]) for place in places if form in place] == []


def test_a_failure_without_a_run_gets_one_where_asked(world: World, tmp_path: Path) -> None:
    shutil.copy(difficult.PROBE, tmp_path)
    given = {**TRAINER, "script": str(tmp_path / "probe.py"), "env": {"PROBE": '{"exit": 7}'}}
    record = launches.launch(world, **given, record_failures=True).record
    (run,) = record.mlflow_runs
    assert (run.experiment, run.status, run.name) == (keeping.FAILURES, "FAILED", record.launch)


@pytest.mark.parametrize("real", ["kubernetes"], indirect=True)
def test_a_log_that_its_node_has_thrown_away_is_whole(real: worlds.RealWorld) -> None:
    given = {**TRAINER, "script": str(difficult.DATA / "logs_much.py"), "detach": True}
    submitted = launches.launch(real.world, **given).record
    record = launches.collect_until_settled(real.world, submitted.launch, 120)
    assert record.state is RunState.FINISHED
    kept = real.world.folder(submitted.launch).log.read_bytes()
    numbers = [int(line) for line in kept.splitlines() if len(line) == 99]
    assert (numbers == list(range(150_000)), kept.endswith(b"\nthe end\n")) == (True, True)


# ---- the same run goes on ----------------------------------------------------------------


@pytest.fixture
def volume(engine: engines.Engine, tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "volume"
    folder.mkdir()
    with engine.volume(engine.VOLUMES[0], f"resumes-{secrets.token_hex(3)}", folder) as source:
        yield source


@pytest.fixture
def engine(world: World) -> engines.Engine:
    return engines.engine_of(world)


Kill = Callable[[str], Any]


def killed_once(
    world: World, volume: str, kill: Kill, tmp_path: Path, script: str = "resumes.py", **given: Any
) -> launches.Launched:
    """Launch the script that resumes, and call `kill` once, when it has trained two epochs."""
    shutil.copy(difficult.DATA / script, tmp_path)
    done: list[str] = []

    def seen(launch: str, piece: bytes) -> None:
        if b"epoch 1 of" in piece and not done:
            done.append(launch)
            kill(launch)

    return launches.launch(
        world, **TRAINER, script=str(tmp_path / script), volumes=[f"{volume}:/data"], seen=seen,
        **{"args": ["/data", "1"], **given},
    )  # fmt: skip


def test_a_killed_launch_goes_on_with_its_run(
    world: World, engine: engines.Engine, volume: str, tmp_path: Path
) -> None:
    ended = killed_once(world, volume, engine.kill_run, tmp_path, retries=2)
    record = ended.record
    assert (record.state, record.exit_code, record.attempts) == (RunState.FINISHED, 0, 2)
    (run,) = record.mlflow_runs
    assert (run.status, run.name, run.params) == ("FINISHED", "long", {"epochs": "6"})
    assert steps(world, run.run_id) == list(range(6)), "no epoch is lost or trained twice"
    epochs = [line.split()[1] for line in ended.log.splitlines() if line.startswith(b"epoch ")]
    assert epochs == [b"0", b"1", b"2", b"3", b"4", b"5"], "no line is lost or doubled"
    assert world.folder(record.launch).log.read_bytes() == ended.log
    (logged,) = mlflow_runs(world, record)
    kept = keeping.Artifacts(logged["info"]["artifact_uri"], server(world), store.objects(world))
    assert kept.get(keeping.LOG) == ended.log, "what is kept with the run is the log of both attempts"
    assert tracking.tag(logged, "samerun.attempts") == "2"
    nothing_left(engine, record)


@pytest.mark.parametrize("real", ["process", "kubernetes"], indirect=True)  # what starts it again: a shim, a Job
def test_a_run_of_another_experiment_than_the_script_sets_is_left_and_the_launch_goes_on(
    world: World, engine: engines.Engine, volume: str, tmp_path: Path
) -> None:
    given = {"script": "sets_another.py", "args": ["/data/seen"], "retries": 1}
    ended = killed_once(world, volume, engine.kill_run, tmp_path, **given)
    assert (ended.record.state, ended.record.attempts) == (RunState.FINISHED, 2), ended.log
    assert b"sets another experiment now, and begins a run of its own" in ended.log
    told = {(run.experiment, run.status) for run in ended.record.mlflow_runs}
    assert told == {("Default", "KILLED"), ("made by another launch", "FINISHED")}
    nothing_left(engine, ended.record)


def test_a_killed_launch_without_retries_is_killed(
    world: World, engine: engines.Engine, volume: str, tmp_path: Path
) -> None:
    record = killed_once(world, volume, engine.kill_run, tmp_path).record
    assert (record.state, record.exit_code in (None, 143)) == (RunState.KILLED, True), "143: a pod gets a SIGTERM first"
    assert record.reason
    assert [run.status for run in record.mlflow_runs] == ["KILLED"]
    nothing_left(engine, record)


def nothing_left(engine: engines.Engine, record: RunRecord) -> None:
    engines.wait_until(lambda: not engine.leftovers(record.launch), f"nothing is left of {record.launch}")


def server(world: World) -> tracking.Tracking:
    return tracking.Tracking(world.mlflow.url("host"))


def mlflow_runs(world: World, record: RunRecord) -> list[dict[str, Any]]:
    return server(world).launch_runs(record.launch)


def steps(world: World, run: str) -> list[int]:
    """The steps of the metric `loss`."""
    found = server(world).call("metrics/get-history", query=f"?run_id={run}&metric_key=loss")["metrics"]
    return sorted(int(row["step"]) for row in found)
