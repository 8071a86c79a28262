"""A run outlives a store and an MLflow that are away for a while, by what the contract tells its clients.

The contract says the same on every target, which test_conformance.py holds it to; so one of them has an outage that
boto3 alone does not outlive, and the others a short one. SAMERUN_TEST_OUTAGES=60,200 has store and MLflow away as long
as the README promises, in seconds.
"""

from __future__ import annotations

import os
import threading

import addresses
import engines
import gates
import launches
import links
import worlds
from world_options import elsewhere

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow as server
from ansible_collections.samerun.stack.plugins.plugin_utils.world import store

LONG, SHORT = 16, 8  # boto3 by itself has given up after 15 s at the latest
SCRIPT = worlds.ROOT / "tests" / "integration" / "data" / "outlives.py"
BOTO3_ALONE = {"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "5"}
LAUNCHES: dict[str, dict[str, str]] = {"as samerun says": {}, "as boto3 does": BOTO3_ALONE, "in silence": {}}


def test_a_run_outlives_an_outage_and_the_next_command_tells_what_a_shim_could_not(world: World) -> None:
    given = os.environ.get("SAMERUN_TEST_OUTAGES")
    for_store, for_mlflow = map(int, given.split(",")) if given else [LONG if world.target == "process" else SHORT] * 2
    planned = {name: env for name, env in LAUNCHES.items() if for_store >= LONG or name != "as boto3 does"}
    address = addresses.of_this_machine(world)
    with (
        gates.gate("127.0.0.1", world.mlflow.url("host"), "") as known,  # MLflow answers to no other Host header
        links.link(links.tcp(known.url), address) as mlflow,
        links.link(links.tcp(world.object_store.url("host")), address) as objects,
    ):
        linked = elsewhere(world, mlflow=http(mlflow.url), object_store=http(objects.url))
        ids = [submitted(linked, name, env) for name, env in planned.items()]
        for one in ids:
            wait_for(linked, one, b"ready")
        away = [(mlflow, for_mlflow), (objects, for_store)]
        for link, _seconds in away:
            link.refuse()
        timers = [threading.Timer(seconds, link.mend) for link, seconds in away]
        for timer in timers:
            timer.start()
        for timer in timers:
            timer.join()
        records = dict(zip(planned, launches.collect_all(linked, ids, 300), strict=True))
    told = {name: linked.folder(record.launch).log.read_text() for name, record in records.items()}
    ours = records["as samerun says"]
    assert ours.state is RunState.FINISHED, told["as samerun says"]
    assert ours.mlflow_runs[0].metrics == {"before": 1.0, "in spite of it": 1.0}
    assert_settled_later(world, records["in silence"].launch, told["in silence"])
    for name in planned.keys() & {"as boto3 does"}:
        assert records[name].state is RunState.FAILED, "the outage was too short to show anything"
        assert "Could not connect to the endpoint URL" in told[name]
        assert "metric logged" in told[name], "it failed for another reason"


def submitted(world: World, name: str, env: dict[str, str]) -> str:
    requirements = str(worlds.ROOT / "trainer" / "requirements.txt")
    given = {"script": str(SCRIPT), "args": [name], "env": env, "requirements": requirements}
    return launches.launch(world, detach=True, **given).record.launch


def wait_for(world: World, launch: str, text: bytes) -> None:
    """Follow a launch until it has said `text`."""
    seen = b""
    for piece in TARGETS[world.target](world).follow(launch):
        seen += piece
        if text in seen:
            return
    raise AssertionError(seen)


def assert_settled_later(world: World, launch: str, log: str) -> None:
    """Whether the run of a script that ended while MLflow was away is closed, tagged and has its log."""
    assert "MLflow is away, its runs are closed later" in log
    client = server.tracking(world)
    (run,) = client.launch_runs(launch)
    assert (run["info"]["status"], tracking.tag(run, tracking.STATE_TAG)) == ("FINISHED", "FINISHED")
    kept = keeping.Artifacts(run["info"]["artifact_uri"], client, store.objects(world))
    assert kept.get(keeping.LOG).decode() == log
    engines.wait_until(lambda: not engines.engine_of(world).leftovers(launch), "nothing is left")


def http(url: str) -> str:
    return "http://" + url.partition("://")[2].replace("127.0.0.1", "localhost")
