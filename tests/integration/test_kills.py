"""Whatever dies at whatever moment: every launch ends with a state and a reason, and no MLflow run stays RUNNING.

A few kills for each target; SAMERUN_TEST_KILLS=200 tries as many as a long night needs.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import difficult
import engines
import launches
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import tracking

KILLS = int(os.environ.get("SAMERUN_TEST_KILLS", "6"))
AT_ONCE = 3  # a small machine
VICTIMS = ("script", "run", "submitter", "shim", "service")
WORKS = 2  # seconds that the script takes
# Seconds after it is submitted: while it is made, unpacks and probes. After its run is open: also while its shim ends.
EARLY, LATE = 2.5, WORKS + 2
TRAINER = {
    "requirements": str(worlds.ROOT / "trainer" / "requirements.txt"),
    "script": str(difficult.DATA / "open_run.py"),
}
FINAL = {RunState.FINISHED, RunState.FAILED, RunState.KILLED}


@dataclass(frozen=True)
class Attack:
    """Who is killed, and when.

    Attributes:
        early: counted from the submit on, else from when the script has opened its run.
        unwatched: the submitter, who follows, is killed too.
    """

    number: int
    victim: str
    early: bool
    seconds: float
    unwatched: bool


@dataclass(frozen=True)
class Attacked:
    """A launch after it; `shown` is the log as its submitter showed it."""

    attack: Attack
    launch: str
    shown: bytes


def test_nothing_stays_open_whatever_is_killed_when(real: worlds.RealWorld, tmp_path: Path) -> None:
    world, engine = real.world, engines.engine_of(real.world)
    attacked: list[Attacked] = []
    planned = attacks()
    for start in range(0, KILLS, AT_ONCE):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            batch = planned[start : start + AT_ONCE]
            attacked += pool.map(lambda attack: carried_out(real, engine, attack, tmp_path), batch)
        engines.wait_until(lambda: answers(world), "MLflow is back", 120)
    settle_all(world)
    known = {record.launch: record for record in collector.records(world)}
    judged = [(problem(one, known.get(one.launch), world), one) for one in attacked]
    assert [(wrong, one) for wrong, one in judged if wrong] == []
    open_runs = tracking.Tracking(world.mlflow.url("host")).runs("attributes.status = 'RUNNING'")
    assert [tracking.tag(run, tracking.LAUNCH_TAG) for run in open_runs] == []
    for one in attacked:
        engines.wait_until(lambda name=one.launch: not engine.leftovers(name), f"nothing is left of {one}")


def attacks() -> list[Attack]:
    chance = random.Random(20261125)  # noqa: S311 - moments, not keys
    found = []
    for number in range(KILLS):
        early = chance.random() < 0.5
        seconds = chance.random() * (EARLY if early else LATE)
        victim = VICTIMS[number % len(VICTIMS)]
        found.append(Attack(number, victim, early, seconds, victim == "submitter" or bool(number % 2)))
    return found


def carried_out(real: worlds.RealWorld, engine: engines.Engine, attack: Attack, folder: Path) -> Attacked:
    """Submit a launch in a process of its own and kill the victim at a moment of its life."""
    given = {**TRAINER, "name": f"kill-{attack.number}", "env": {"SECONDS": str(WORKS)}}
    submitter = launches.submitter(real.options, given, folder / f"{attack.number}.json")
    shown: list[bytes] = []
    opened = threading.Event()

    def read() -> None:
        for line in submitter.stdout or ():
            shown.append(line)
            if line.startswith(b"run is open"):
                opened.set()
        opened.set()  # or it never will be

    with submitter:
        assert submitter.stdout is not None
        launch = submitter.stdout.readline().split()[1].decode()
        reader = threading.Thread(target=read)
        reader.start()
        if not attack.early:
            opened.wait()
        time.sleep(attack.seconds)
        if attack.unwatched:
            submitter.kill()
        if attack.victim != "submitter":
            with contextlib.suppress(LookupError):  # it has not begun, or has ended
                kill(engine, attack.victim, launch)
        reader.join()
    return Attacked(attack, launch, b"".join(shown))


def kill(engine: engines.Engine, victim: str, launch: str) -> None:
    if victim == "service":
        engine.kill_service(engine.world.mlflow.name, engine.world.mlflow.namespace)
    else:
        {"script": engine.kill_script, "run": engine.kill_run, "shim": engine.kill_shim}[victim](launch)


def problem(one: Attacked, record: RunRecord | None, world: World) -> str:
    """What is wrong with a launch after it; empty for nothing."""
    if record is None:
        # Its submitter died before it was there.
        return "" if one.attack.early and one.attack.unwatched and not one.shown else "it was forgotten"
    if record.state not in FINAL:
        return f"it is {record.state}"
    if record.state is not RunState.FINISHED and not record.reason:
        return "it ended without a reason"
    log = world.folder(one.launch).log.read_bytes()
    return "" if log.startswith(one.shown) else "its log was lost"


def answers(world: World) -> bool:
    try:
        tracking.Tracking(world.mlflow.url("host")).experiments()
    except OSError:
        return False
    return True


def settle_all(world: World) -> None:
    """Look as every command does, until there is nothing to be done any more."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if collector.collect(world) == ([], []):
            return
        time.sleep(0.5)
    raise AssertionError(f"still going on: {collector.collect(world)}")


@pytest.fixture(scope="module", autouse=True)
def trainer(real: worlds.RealWorld) -> None:
    """The environment is made once, before several launches want it at once."""
    launches.launch(real.world, **TRAINER, env={"SECONDS": "0"})
