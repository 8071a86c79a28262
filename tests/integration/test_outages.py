"""A run outlives a store and an MLflow that are away for a while, by what the contract tells its clients.

SAMERUN_TEST_OUTAGES=60,200 has them away as long as the README promises, in seconds.
"""

from __future__ import annotations

import dataclasses
import os
import threading

import addresses
import engines
import gates
import launches
import links
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import keeping, server, store, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS

# boto3 by itself has given up after 15 s at the latest.
STORE_SECONDS, MLFLOW_SECONDS = map(int, os.environ.get("SAMERUN_TEST_OUTAGES", "16,16").split(","))
SCRIPT = worlds.ROOT / "tests" / "integration" / "data" / "outlives.py"
BOTO3_ALONE = {"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "5"}
LAUNCHES = {"as samerun says": {}, "as boto3 does": BOTO3_ALONE, "in silence": {}}


def test_a_run_outlives_an_outage_that_boto3_alone_does_not_and_a_shim_that_could_not_tell(world: World) -> None:
    address = addresses.of_this_machine(world)
    with (
        gates.gate("127.0.0.1", world.mlflow.url("host"), "") as known,  # MLflow answers to no other Host header
        links.link(links.tcp(known.url), address) as mlflow,
        links.link(links.tcp(world.object_store.url("host")), address) as objects,
    ):
        linked = dataclasses.replace(
            world,
            mlflow=dataclasses.replace(world.mlflow, external=http(mlflow.url)),
            object_store=dataclasses.replace(world.object_store, external=http(objects.url)),
        )
        ids = [submitted(linked, name, env) for name, env in LAUNCHES.items()]
        for one in ids:
            wait_for(linked, one, b"ready")
        away = [(mlflow, MLFLOW_SECONDS), (objects, STORE_SECONDS)]
        for link, _seconds in away:
            link.refuse()
        timers = [threading.Timer(seconds, link.mend) for link, seconds in away]
        for timer in timers:
            timer.start()
        for timer in timers:
            timer.join()
        records = launches.collect_all(linked, ids, 300)
    told = [(linked.runs / one / "log.txt").read_text() for one in ids]
    ours, alone, silent = records
    assert ours.state is RunState.FINISHED, told[0]
    assert ours.mlflow_runs[0].metrics == {"before": 1.0, "in spite of it": 1.0}
    assert alone.state is RunState.FAILED, "the outage was too short to show anything"
    assert "Could not connect to the endpoint URL" in told[1]
    assert "metric logged" in told[1], "it failed for another reason"
    assert_settled_later(world, silent.launch, told[2])


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
    kept = keeping.Artifacts(run["info"]["artifact_uri"], client, store.client(world))
    assert kept.get(keeping.LOG).decode() == log
    engines.wait_until(lambda: not engines.engine_of(world).leftovers(launch), "nothing is left")


def http(url: str) -> str:
    return "http://" + url.partition("://")[2].replace("127.0.0.1", "localhost")
