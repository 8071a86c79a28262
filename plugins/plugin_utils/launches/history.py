# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the launches that a world has finished before."""

from __future__ import annotations

import urllib.error
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector, leftovers
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow


def lock_path(world: World, fingerprint: str) -> Path:
    """The lock around "search for an equal launch, else submit", so that two equal commands submit one launch."""
    return world.state / f".{fingerprint}.lock"


def finished(world: World, fingerprint: str) -> RunRecord | None:
    """Find the newest FINISHED launch with this fingerprint: in the local records, then in MLflow.

    A launch whose MLflow run was deleted does not count. MLflow also knows the launches of other users and machines
    in the same world.

    Raises:
        SamerunError: MLflow does not answer.
    """
    server = mlflow.tracking(world)
    try:
        for record in collector.records(world):
            if record.state is RunState.FINISHED and record.fingerprint == fingerprint and _exist(server, record):
                return record
        return _in_mlflow(server, world, fingerprint)
    except (OSError, ValueError, KeyError) as error:
        raise SamerunError(
            f"Failed to ask MLflow at {server.uri} what was trained already: {getattr(error, 'reason', error)}.",
            probes.starting(probes.TRACKING_URI, ours=not world.mlflow.external),
            UNAVAILABLE,
        ) from error


def _exist(server: tracking.Tracking, record: RunRecord) -> bool:
    for known in record.mlflow_runs:
        try:
            run = server.call("runs/get", query=f"?run_id={known.run_id}")["run"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        if run["info"].get("lifecycle_stage") == "deleted":
            return False
    return True


def _in_mlflow(server: tracking.Tracking, world: World, fingerprint: str) -> RunRecord | None:
    wanted = f"tags.`{tracking.FINGERPRINT_TAG}` = '{fingerprint}' and tags.`{tracking.STATE_TAG}` = 'FINISHED'"
    runs = server.runs(wanted)
    if not runs:
        return None
    tags = {tag["key"]: tag["value"] for tag in runs[-1]["data"].get("tags", [])}
    record = RunRecord(
        launch=tags[tracking.LAUNCH_TAG], name="", world=world.name, target="", script="", script_sha256="",
        bundle_sha256="", fingerprint=fingerprint, contract={}, image="", tracking_uri="",
        state=RunState.FINISHED, exit_code=0,
    )  # fmt: skip
    record.mlflow_runs = leftovers.mlflow_runs(server, record.launch)
    return record
