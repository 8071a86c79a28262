"""Measures the seconds that a launch adds to a bare `python train.py`, for a script that logs one metric.

    python benchmarks/launch.py
    python benchmarks/launch.py -e samerun_world=other
    python benchmarks/launch.py --peer "torchx=torchx run -s local_cwd utils.python --script train.py"

The world must be up (`samerun up`), as all rows use its MLflow. `mlflow run` is the one in the trainer's venv.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path

import bare
import measure
from platformdirs import user_state_path

from ansible_collections.samerun.stack.plugins.module_utils import callers

SCRIPT = """\
import mlflow

mlflow.set_experiment("samerun-benchmark")

with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
"""
PROJECT = """\
name: one-metric
entry_points:
  main:
    command: python train.py
"""


def main() -> None:
    options = arguments()
    state = user_state_path("samerun") / measure.world(options.extra, "process")
    if not (state / "contract.json").exists():
        raise SystemExit(f"there is no world in {state}; start it: samerun up")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "train.py").write_text(SCRIPT)
        (project / "MLproject").write_text(PROJECT)
        ours = {name: _bound(argv, None, project) for name, argv in measure.ours(options, project).items()}
        next(iter(ours.values()))()  # makes the trainer's venv, which the other commands use
        rows = {**peers(options, project, state), **ours}
        taken = measure.turns(rows, options.repeat)
    print(measure.table("one metric, process target", taken))


def arguments() -> argparse.Namespace:
    parser = measure.parser(__doc__, "process")
    parser.add_argument("--peer", action="append", default=[], help="NAME=COMMAND, run in the project's folder")
    return parser.parse_args()


def peers(options: argparse.Namespace, project: Path, state: Path) -> dict[str, measure.Measure]:
    """Return the script without samerun, first, and the commands of other tools that start it."""
    bin_folder = bare.venv()
    env = callers.inherited(os.environ) | json.loads((state / "contract.json").read_text())
    env["DO_NOT_TRACK"] = "true"  # as in a launch: see docs/adr/0004-shim.md
    env["PATH"] = os.pathsep.join([str(bin_folder), str(Path(sys.executable).parent), env["PATH"]])
    experiment = ["--experiment-name", "samerun-benchmark"]
    commands = {
        "python train.py": [str(bin_folder / "python"), "train.py"],
        "mlflow run": [str(bin_folder / "mlflow"), "run", "--env-manager", "local", *experiment, "."],
    }
    for peer in options.peer:
        name, _, command = peer.partition("=")
        commands[name] = shlex.split(command)
    return {name: _bound(argv, env, project) for name, argv in commands.items()}


def _bound(argv: list[str], env: dict[str, str] | None, folder: Path) -> measure.Measure:
    return lambda: measure.seconds(argv, env=env, cwd=folder)


if __name__ == "__main__":
    main()
