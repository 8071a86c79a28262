"""Services that are killed in mid-run are started again by what keeps them, and the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import engines
import launches

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow

STEPS = 40
SCRIPT = f"""
import time, mlflow
with mlflow.start_run():
    for step in range({STEPS}):
        mlflow.log_metric("loss", step, step=step)
        print("step", step, flush=True)
        time.sleep(0.1)
    mlflow.log_text("kept", "note.txt")
"""


def test_services_that_are_killed_in_mid_run_cost_no_metric(
    world: World, engine: engines.Engine, trainer: dict[str, Any], tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    submitted = launches.launch(world, script=str(script), detach=True, **trainer).record
    seen = b""
    for piece in TARGETS[world.target](world).follow(submitted.launch):
        before, seen = seen, seen + piece
        if b"step 10\n" in seen and b"step 10\n" not in before:
            for service in (world.mlflow, world.object_store):
                engine.kill_service(service.name, service.namespace)
    record = launches.collect_until_settled(world, submitted.launch, 180)
    assert (record.state, record.exit_code) == (RunState.FINISHED, 0), record.reason
    (only,) = record.mlflow_runs
    assert only.status == "FINISHED"
    query = f"?run_id={only.run_id}&metric_key=loss&max_results=1000"
    found = mlflow.tracking(world).call("metrics/get-history", query=query)
    assert [metric["value"] for metric in found["metrics"]] == [float(step) for step in range(STEPS)]
