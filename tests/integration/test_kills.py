"""Whatever dies at whatever moment: every launch ends with a state and a reason, and no MLflow run stays RUNNING.

A few kills for each target; SAMERUN_TEST_KILLS=200 tries as many as a long night needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import difficult
import engines
import launches
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import collector, tracking

KILLS = int(os.environ.get("SAMERUN_TEST_KILLS", "6"))
AT_ONCE = 3  # a small machine
TRAINER = {
    "requirements": str(worlds.ROOT / "trainer" / "requirements.txt"),
    "script": str(difficult.DATA / "open_run.py"),
}
FINAL = {RunState.FINISHED, RunState.FAILED, RunState.KILLED}


def test_nothing_stays_open_whatever_is_killed_when(real: worlds.RealWorld, tmp_path: Path) -> None:
    world, engine = real.world, engines.engine_of(real.world)
    known = {record.launch for record in collector.records(world)}
    chance = random.Random(20261125)  # noqa: S311 - moments, not keys
    victims = [("script", "run", "submitter")[number % 3] for number in range(KILLS)]
    for start in range(0, KILLS, AT_ONCE):
        threads = [
            threading.Thread(target=kill_one, args=(real, engine, victim, start + n, chance.random(), tmp_path))
            for n, victim in enumerate(victims[start : start + AT_ONCE])
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    settle_all(world)
    records = [record for record in collector.records(world) if record.launch not in known]
    assert len(records) == KILLS
    assert {record.state for record in records} <= FINAL
    assert [record.launch for record in records if record.state is not RunState.FINISHED and not record.reason] == []
    open_runs = tracking.Tracking(world.mlflow.url("host")).runs("attributes.status = 'RUNNING'")
    assert [tracking.tag(run, tracking.LAUNCH_TAG) for run in open_runs] == []
    for record in records:
        log = (world.runs / record.launch / "log.txt").read_bytes()
        assert [run.run_id for run in record.mlflow_runs if run.run_id.encode() not in log] == [], "a log was lost"
        engines.wait_until(lambda name=record.launch: not engine.leftovers(name), f"nothing is left of {record.launch}")


def kill_one(
    real: worlds.RealWorld, engine: engines.Engine, victim: str, number: int, when: float, folder: Path
) -> None:
    """Submit a launch in a process of its own and kill `victim` at a moment of its life."""
    options = folder / f"{number}.json"
    options.touch(mode=0o600)
    given = {**TRAINER, "name": f"kill-{number}", "env": {"SECONDS": "3"}}
    options.write_text(json.dumps({"world": real.options, "training": given}))
    environ = {**os.environ, "PYTHONPATH": str(worlds.ROOT / "collections")}
    submitter = subprocess.Popen(
        [sys.executable, launches.__file__, str(options)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with submitter:
        assert submitter.stdout is not None
        launch = submitter.stdout.readline().split()[1].decode()
        started = submitter.stdout.readline()  # from the script, or nothing where it was too early
        assert started.startswith(b"run is open"), started
        time.sleep(2.5 * when)
        if victim == "submitter" or number % 2:  # half of them unwatched
            submitter.kill()
        if victim != "submitter":
            with contextlib.suppress(LookupError):
                {"script": engine.kill_script, "run": engine.kill_run}[victim](launch)
        submitter.stdout.read()


def settle_all(world: World) -> list[Any]:
    """Look as every command does, until nothing goes on any more."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if not collector.collect(world)[1]:
            return []
        time.sleep(0.5)
    raise AssertionError(f"still going on: {collector.collect(world)[1]}")


@pytest.fixture(scope="module", autouse=True)
def trainer(real: worlds.RealWorld) -> None:
    """The environment is made once, before several launches want it at once."""
    launches.launch(real.world, **TRAINER, env={"SECONDS": "0"})
