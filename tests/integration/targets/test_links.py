"""Links to MLflow and the store that are cut, reset, slow or silent: while they are looked at, in mid-run, at the end.

All launches of a target go at the same time, each by links of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import addresses
import engines
import gates
import launches
import links
import pytest
import world_options
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow as server

MLFLOW, STORE = "mlflow", "object_store"
# The rest of what can be made of these is in the tests of looks.py, s3.py and tracking.py.
BEFORE = [("cut", STORE), ("reset", MLFLOW), ("slow", MLFLOW), ("silent", STORE)]
# A store that is silent at the end costs a minute, and nothing else: see test_keeping.py.
LATER = [("cut", STORE), ("reset", MLFLOW), ("slow", MLFLOW), ("silent", MLFLOW)]
NAMED = {MLFLOW: "MLFLOW_TRACKING_URI", STORE: "MLFLOW_S3_ENDPOINT_URL"}
SAID = {
    MLFLOW: "MLflow is away, its runs are closed later (",
    STORE: "Not everything could be kept with the MLflow run: ",
}
STEPS = 20
AT_ONCE = 4
DEADLINE, STARTS = 10.0, 60.0  # seconds for the looks, and for a machine to start so many at once
# Leaves its run open, so that it is RUNNING as long as nobody else closes it.
RUN = f"""
import os, time, mlflow
mlflow.set_experiment("links")
mlflow.start_run()
for step in range({STEPS}):
    mlflow.log_metric("loss", step, step=step)
    print("step", step, flush=True)
    if step == 10:
        mlflow.log_text("kept", "note.txt")
    time.sleep(0.1)
print("ends", flush=True)
time.sleep(3)
os._exit(3)
"""


@dataclasses.dataclass(frozen=True)
class Linked:
    """A world whose services are somebody else's, and the links to them."""

    world: World
    links: dict[str, links.Link]

    def mend(self) -> None:
        for link in self.links.values():
            link.broken, link.silent, link.rate = "", False, 0

    def disturb(self, hop: str, trouble: str, rate: int) -> None:
        link = self.links[hop]
        link.broken = trouble if trouble in ("cut", "reset") else ""
        link.silent, link.rate = trouble == "silent", rate if trouble == "slow" else 0


@dataclasses.dataclass(frozen=True)
class Seen:
    """A launch, and what was seen once its links were whole again.

    Attributes:
        late: seconds that it took beyond what a machine as busy as this one may take.
        later: the same launch once more, or its record at the next command.
    """

    launched: launches.Launched
    late: float
    later: RunRecord

    @property
    def said(self) -> list[str]:
        """The lines of samerun's own."""
        return [line for line in self.launched.log.decode().splitlines() if line.startswith("samerun: ")]


class Lines:
    """Launches by links of their own."""

    def __init__(self, world: World, folder: Path, trainer: dict[str, Any], known: gates.Gate) -> None:
        self.world, self.folder, self.trainer, self.known = world, folder, trainer, known
        for name, text in (("quick", "print('started')"), ("run", RUN)):
            (folder / name).mkdir()
            (folder / name / "train.py").write_text(text)

    @contextlib.contextmanager
    def linked(self) -> Iterator[Linked]:
        address = addresses.of_this_machine(self.world)
        with (
            links.link(links.tcp(self.known.url), address) as mlflow,
            links.link(links.tcp(self.world.object_store.url("host")), address) as store,
        ):
            made = {MLFLOW: mlflow, STORE: store}
            urls = {hop: f"http://{link.address}:{link.port}" for hop, link in made.items()}
            yield Linked(world_options.elsewhere(self.world, **urls), made)

    def launch(self, linked: Linked, name: str, **given: Any) -> launches.Launched:
        own = own_contract(linked) if self.world.target == "kubernetes" else {}
        script = str(self.folder / name / "train.py")
        return launches.launch(linked.world, script=script, **own, **self.trainer, **given)

    def before(self, trouble: str, hop: str) -> Seen:
        """In trouble from the start."""
        with self.linked() as linked:
            linked.disturb(hop, trouble, 10)
            started, patience = time.monotonic(), probes.patience(DEADLINE)
            launched = self.launch(linked, "quick")
            patience = max(patience, probes.patience(DEADLINE))
            late = time.monotonic() - started - patience - STARTS
            linked.mend()
            return Seen(launched, late, self.launch(linked, "quick").record if trouble == "reset" else launched.record)

    def later(self, trouble: str, hop: str) -> Seen:
        """Both for a while in mid-run, and `hop` again once the script is about to end."""
        with self.linked() as linked:

            def show(_launch: str, piece: bytes) -> None:
                if b"step 5\n" in piece:
                    pool.submit(self.for_a_while, linked, trouble)
                if b"ends\n" in piece:
                    linked.disturb(hop, trouble, 2000)

            with ThreadPoolExecutor(1) as pool:
                launched = self.launch(linked, "run", seen=show)
            linked.mend()
            record, launch = launched.record, launched.record.launch
            if self.world.folder(launch).submitted.exists():  # it is not done with
                record = launches.collect_until_settled(linked.world, launch)
            return Seen(launched, 0.0, record)

    @staticmethod
    def for_a_while(linked: Linked, trouble: str) -> None:
        if trouble in ("cut", "reset"):
            time.sleep(0.05)  # between two requests: MLflow's client gives up on half an answer
            for link in linked.links.values():
                link.cut(reset=trouble == "reset")
            return
        for hop in linked.links:
            linked.disturb(hop, trouble, 2000)
        time.sleep(1)
        linked.mend()


@pytest.fixture(scope="module")
def seen(
    real: worlds.RealWorld, trainer: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str, str], Seen]:
    world = real.world
    with gates.gate(addresses.of_this_machine(world), world.mlflow.url("host"), "") as known:  # for its Host header
        lines = Lines(world, tmp_path_factory.mktemp("links"), trainer, known)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = {
                (when, *case): pool.submit(getattr(lines, when), *case)
                for when, cases in (("later", reversed(LATER)), ("before", reversed(BEFORE)))
                for case in cases
            }
            return {case: future.result() for case, future in futures.items()}


@pytest.mark.parametrize("trouble, hop", BEFORE)
def test_a_link_that_does_not_carry_is_told_before_the_script_starts(
    seen: dict[tuple[str, str, str], Seen], trouble: str, hop: str
) -> None:
    found = seen["before", trouble, hop]
    record = found.launched.record
    assert (record.state, record.exit_code, record.mlflow_runs) == (RunState.FAILED, None, []), found.launched.log
    assert found.launched.log.decode().splitlines() == found.said
    (only,) = found.said
    assert only.startswith("samerun: Failed to ")
    assert NAMED[hop] in only
    assert record.reason in only
    assert record.hint
    assert "Traceback" not in only
    assert found.late < 0
    assert (found.later.state is RunState.FINISHED) == (trouble == "reset"), "the same launch, by a link that carries"


@pytest.mark.parametrize("trouble, hop", LATER)
def test_a_link_that_fails_in_mid_run_and_at_the_end_costs_nothing(
    world: World, seen: dict[tuple[str, str, str], Seen], trouble: str, hop: str
) -> None:
    found = seen["later", trouble, hop]
    record = found.launched.record
    assert (record.state, record.exit_code) == (RunState.FAILED, 3), found.launched.log
    assert b"Traceback" not in found.launched.log
    assert [SAID[hop] in line for line in found.said] == ([] if trouble == "slow" else [True]), found.said
    (run,) = found.later.mlflow_runs
    assert run.status == "FAILED"
    history = server.tracking(world).call(
        "metrics/get-history", query=f"?run_id={run.run_id}&metric_key=loss&max_results=1000"
    )
    assert [metric["value"] for metric in history["metrics"]] == list(range(STEPS))


def test_nothing_is_left_of_them(world: World, seen: dict[tuple[str, str, str], Seen]) -> None:
    engine = engines.engine_of(world)
    for found in seen.values():
        for launch in {found.launched.record.launch, found.later.launch}:
            engines.wait_until(lambda one=launch: not engine.leftovers(one), f"nothing of {launch} is left")
    assert server.tracking(world).runs("attributes.status = 'RUNNING'") == []


def own_contract(linked: Linked) -> dict[str, Any]:
    """A cluster has one contract for all pods of a world that begin, and each of these has its own."""
    env = [
        {"name": NAMED[hop], "value": f"http://{link.address}:{link.port}", "valueFrom": None}
        for hop, link in linked.links.items()
    ]
    container = {"name": "training", "env": env}
    return {"overlay": {"spec": {"template": {"spec": {"containers": [container]}}}}}
