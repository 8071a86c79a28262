"""Seconds from the command to the script's first line, beside the engine's own command.

    python benchmarks/first_line.py docker -e @local.yml
    python benchmarks/first_line.py kubernetes -e @k8s.yml

The world must be up (`samerun up`). The bare command uses the image that the launch before it used.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import measure
from platformdirs import user_state_path

from ansible_collections.samerun.stack.plugins.module_utils import files

LINE = "the first line"
INVENTORIES = {"docker": "local", "kubernetes": "k8s"}


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        (project / "train.py").write_text(f'print("{LINE}")\n')
        ours = launches(options, project)
        next(iter(ours.values()))()  # makes the trainer's image, which the bare command uses
        bare = with_docker(options, project) if options.target == "docker" else with_kubectl(options, project)
        taken = measure.medians({**bare, **ours}, options.repeat)
    print(measure.table(f"first line, {options.target}", taken))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=INVENTORIES)
    parser.add_argument("-i", "--inventory", default="")
    parser.add_argument("-e", "--extra", action="append", default=[], help="VARIABLE=VALUE or @FILE for samerun")
    parser.add_argument("--namespace", default="default", help="where the bare Job runs; it must exist")
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    options.inventory = options.inventory or INVENTORIES[options.target]
    return options


def launches(options: argparse.Namespace, project: Path) -> dict[str, measure.Measure]:
    """Our own commands."""
    inventory = ["-i", measure.inventory(options.inventory)]
    variables = measure.given(options.extra)
    play = [
        measure.needed("ansible-playbook"), "playbooks/train.yml", *inventory, *variables,
        "-e", f"training_script={project / 'train.py'}",
    ]  # fmt: skip
    rows: dict[str, measure.Measure] = {}
    if samerun := measure.found("samerun"):
        command = [samerun, *inventory, "train", "train.py", *variables]
        rows["samerun train"] = lambda: measure.seconds(command, cwd=project, until=LINE)
    else:
        measure.skipped("samerun train", "pip install .")
    return {**rows, "ansible-playbook train.yml": lambda: measure.seconds(play, until=LINE)}


def image(options: argparse.Namespace) -> str:
    """The image of the newest launch."""
    runs = user_state_path("samerun") / measure.world(options.extra, INVENTORIES[options.target]) / "runs"
    newest = max(runs.glob("*/record.json"), key=os.path.getmtime)
    return str(files.read_json(newest)["image"])


def with_docker(options: argparse.Namespace, project: Path) -> dict[str, measure.Measure]:
    code = f"{project}:/code:ro"
    project.chmod(0o755)  # the image's user is another one
    argv = [measure.needed("docker"), "run", "--rm", "-v", code, image(options), "python", "/code/train.py"]
    return {"docker run": lambda: measure.seconds(argv, until=LINE)}


def with_kubectl(options: argparse.Namespace, project: Path) -> dict[str, measure.Measure]:
    kubectl = [measure.needed("kubectl"), "--namespace", options.namespace]
    manifest, numbers, wanted = project / "job.json", itertools.count(), image(options)

    def create_and_follow() -> float:
        name = f"samerun-benchmark-{os.getpid()}-{next(numbers)}"
        manifest.write_text(json.dumps(job(name, wanted)))
        start = time.perf_counter()
        measure.seconds([*kubectl, "create", "-f", str(manifest)])
        while True:
            # It fails while the container is being made; people type it again.
            tried = time.perf_counter()
            try:
                took = measure.seconds([*kubectl, "logs", "--follow", f"job/{name}"], until=LINE)
            except measure.Failed:
                if tried - start > 60:
                    raise
                continue
            measure.seconds([*kubectl, "delete", "job", name, "--wait=false"])
            return tried - start + took

    return {"kubectl create, logs -f": create_and_follow}


def job(name: str, wanted: str) -> dict[str, Any]:
    """A Job that a namespace with Pod Security `restricted` takes."""
    container = {
        "name": "training", "image": wanted, "command": ["python", "-c", f"print('{LINE}')"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    pod = {
        "restartPolicy": "Never", "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    }  # fmt: skip
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


if __name__ == "__main__":
    main()
