"""A run outlives a store and an MLflow that are away for a while, by what the contract tells its clients."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import engines
import gates
import launches
import links
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState

# boto3 by itself has given up after 15 s at the latest.
SECONDS = 16
SCRIPT = worlds.ROOT / "tests" / "integration" / "data" / "outlives.py"
BOTO3_ALONE = {"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "5"}


@pytest.mark.process
@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_a_run_outlives_an_outage_that_boto3_alone_does_not(real: worlds.RealWorld, tmp_path: Path) -> None:
    world, go = real.world, tmp_path / "go"
    with (
        gates.gate("127.0.0.1", world.mlflow.url("host"), "") as known,  # MLflow answers to no other Host header
        links.link(links.tcp(known.url)) as mlflow,
        links.link(links.tcp(world.object_store.url("host"))) as store,
    ):
        linked = dataclasses.replace(
            world,
            mlflow=dataclasses.replace(world.mlflow, external=http(mlflow.url)),
            object_store=dataclasses.replace(world.object_store, external=http(store.url)),
        )

        def started(name: str, env: dict[str, str]) -> Path:
            record = launches.launch(
                linked, script=str(SCRIPT), args=[name, str(go)], env=env, detach=True,
                requirements=str(worlds.ROOT / "trainer" / "requirements.txt"),
            ).record  # fmt: skip
            log = linked.runs / record.launch / "log.txt"
            engines.wait_until(lambda: b"ready" in log.read_bytes(), f"{record.launch} has opened its run", 60)
            return log

        logs = [started("as samerun says", {}), started("as boto3 does", BOTO3_ALONE)]
        mlflow.refuse()
        store.refuse()
        go.touch()
        time.sleep(SECONDS)
        mlflow.mend()
        store.mend()
        ours, alone = launches.collect_all(linked, [log.parent.name for log in logs], 120)
    told = [log.read_text() for log in logs]
    assert ours.state is RunState.FINISHED, told[0]
    assert ours.mlflow_runs[0].metrics == {"before": 1.0, "in spite of it": 1.0}
    assert alone.state is RunState.FAILED, "the outage was too short to show anything"
    assert "Could not connect to the endpoint URL" in told[1]
    assert "metric logged" in told[1], "it failed for another reason"


def http(url: str) -> str:
    return "http://" + url.partition("://")[2].replace("127.0.0.1", "localhost")
