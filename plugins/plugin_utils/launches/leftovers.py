# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finishes what the shim of a launch could not: closes its MLflow runs, keeps log and files in them, gets outputs."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.samerun.stack.plugins.module_utils import causes, files
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import MlflowRun, RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Left
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow, store

_PIECE = 1 << 16
_SAID_LATER = 4096  # bytes of log that the shim may write after it has kept the log in MLflow


def finish(world: World, record: RunRecord, report: Mapping[str, Any], left: Callable[[Path], Left]) -> bool:
    """Close the launch's MLflow runs, keep in them what the shim could not, and copy the runs into `record`.

    Args:
        left: returns the files that the launch left, given a folder for copies; see `Target.left`.

    Returns:
        False if MLflow does not answer (the next command tries again), or if the script was never started.
    """
    if report.get("stage") == "probe" and report.get("closed"):
        return False  # the script was never started, often because MLflow itself does not answer
    server = mlflow.tracking(world)
    try:
        experiments = server.experiments()
        found = server.launch_runs(record.launch, list(experiments))
        if not found and record.record_failures and record.state is RunState.FAILED:
            keeping.failed_run(server, _facts(record))
            experiments, found = server.experiments(), server.launch_runs(record.launch)
        # On a cluster each attempt has its own shim, whose report tells only of that attempt.
        if not report.get("closed") or (found and record.attempts > int(report.get("attempts", record.attempts))):
            server.close(found, record.state.value, keeping.tags(_facts(record)))
            found = server.launch_runs(record.launch, list(experiments))
        if run := keeping.chosen(found):
            _exchange(world, server, run, record, report, left)
        elif record.outputs:
            with _copies(world.folder(record.launch).log) as folder:
                for name, path in left(folder).outputs:
                    files.write_private_stream(world.folder(record.launch).outputs / name, _read(path))
    except (OSError, ValueError, KeyError):
        return False
    record.mlflow_runs = [_mlflow_run(run, experiments, server.uri) for run in found]
    return True


def told(world: World, launch: str) -> dict[str, Any]:
    """Read from the tags of closed MLflow runs how a launch ended, as fields of an Outcome; empty for none."""
    try:
        runs = mlflow.tracking(world).launch_runs(launch)
    except (OSError, ValueError, KeyError):
        return {}
    if any(tracking.is_open(run) for run in runs):
        return {}  # a new attempt has opened the run again: the tags are those of an earlier attempt
    closed = next((run for run in runs if tracking.tag(run, tracking.STATE_TAG)), None)
    if closed is None:
        return {}
    names = ("exit_code", "cause", "cancelled_by", "reason")
    tags = {name: value for name in names if (value := tracking.tag(closed, f"{keeping.PREFIX}{name}"))}
    return {
        "state": RunState(tracking.tag(closed, tracking.STATE_TAG)),
        "exit_code": int(tags["exit_code"]) if "exit_code" in tags else None,
        "reason": tags.get("reason", ""), "hint": "", "report": {"closed": True, "kept": True}, **causes.read(tags),
    }  # fmt: skip


def mlflow_runs(server: tracking.Tracking, launch: str) -> list[MlflowRun]:
    """Read the MLflow runs of a launch."""
    experiments = server.experiments()
    found = server.launch_runs(launch, list(experiments))
    return [_mlflow_run(run, experiments, server.uri) for run in found]


def _exchange(
    world: World,
    server: tracking.Tracking,
    run: Mapping[str, Any],
    record: RunRecord,
    report: Mapping[str, Any],
    left: Callable[[Path], Left],
) -> None:
    """Keep log, code and outputs with the MLflow run if the shim could not; fetch its outputs and a longer log."""
    log, _outputs = world.folder(record.launch).log, world.folder(record.launch).outputs
    kept, wanted = bool(report.get("kept")), bool(record.outputs)
    here, there = log.stat().st_size, int(report.get("log_bytes", 0))
    cut = kept and here < there - _SAID_LATER
    # On a cluster the shim of the last attempt kept only the log of its own pod.
    more = kept and record.attempts > 1 and here > there
    if kept and not wanted and not cut and not more:
        return
    with _copies(log) as folder:
        found = Left() if kept else left(folder)
        with contextlib.suppress(keeping.KeepingError, SamerunError):  # the run is closed, its log beside the record
            artifacts = _artifacts(world, server, run["info"]["artifact_uri"])
            if not kept:
                with contextlib.suppress(keeping.KeepingError):
                    # The shim may have kept the log in MLflow and then been killed, in a pod that is gone.
                    files.take_better(log, artifacts.pieces(keeping.LOG))
            if more or not kept:
                keeping.keep(artifacts, _facts(record), str(log), found.code, found.outputs)
            if cut:
                files.write_private_stream(log, artifacts.pieces(keeping.LOG))
            for name in _listed(server, run["info"]["run_id"], keeping.OUTPUTS) if wanted else ():
                files.write_private_stream(
                    world.folder(record.launch).outputs / name.partition("/")[2], artifacts.pieces(name)
                )


def _artifacts(world: World, server: tracking.Tracking, uri: str) -> keeping.Artifacts:
    return keeping.Artifacts(uri, server, store.objects(world) if uri.startswith("s3:") else None)


@contextlib.contextmanager
def _copies(log: Path) -> Iterator[Path]:
    """Make a temporary folder for copies beside the log, since the system's own may be too small for outputs."""
    with tempfile.TemporaryDirectory(dir=log.parent, prefix=".left-") as folder:
        yield Path(folder)


def _read(path: str) -> Iterator[bytes]:
    with open(path, "rb") as found:
        yield from iter(lambda: found.read(_PIECE), b"")


def _listed(server: tracking.Tracking, run: str, folder: str) -> Iterator[str]:
    """Yield the names of all artifacts below `folder`, subfolders included."""
    token = ""
    while True:
        query = {"run_id": run, "path": folder, **({"page_token": token} if token else {})}
        page = server.call("artifacts/list", query=f"?{urlencode(query)}")
        for found in page.get("files", []):
            if found.get("is_dir"):
                yield from _listed(server, run, found["path"])
            elif ".." not in Path(found["path"]).parts:
                yield found["path"]
        if not (token := page.get("next_page_token", "")):
            return


def _facts(record: RunRecord) -> dict[str, Any]:
    found = {**dataclasses.asdict(record), "state": record.state.value, "seconds": record.durations.get("run", "")}
    return {name: value for name, value in found.items() if name != "mlflow_runs"}


def _mlflow_run(run: dict[str, Any], experiments: dict[str, str], url: str) -> MlflowRun:
    info, data = run["info"], run.get("data", {})
    experiment, run_id = info["experiment_id"], info["run_id"]
    return MlflowRun(
        run_id=run_id, experiment=experiments.get(experiment, experiment), status=info["status"],
        name=info.get("run_name", ""),
        params={p["key"]: p["value"] for p in data.get("params", [])},
        metrics={m["key"]: m["value"] for m in data.get("metrics", [])},
        url=f"{url}/#/experiments/{experiment}/runs/{run_id}",
    )  # fmt: skip
