"""The commands that a user would type without samerun: `python`, `docker run`, `kubectl create` and `logs -f`."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
from platformdirs import user_cache_path, user_state_path

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs

# Runs a command; its argument is a function that takes each line of the output.
Command = Callable[[Callable[[str], None]], measure.Ran]


def venv() -> Path:
    """Return the folder of the programs in the trainer's venv, which an earlier launch made."""
    return venvs.folder(user_cache_path("samerun"), scripts.DEFAULT_REQUIREMENTS) / "bin"


def image(options: argparse.Namespace) -> str:
    """Return the image of the newest launch."""
    name = measure.world(options.extra, measure.INVENTORIES[options.target])
    newest = max((user_state_path("samerun") / name / "runs").glob("*/record.json"), key=os.path.getmtime)
    return str(files.read_json(newest)["image"])


def commands(options: argparse.Namespace, project: Path, image: str, code: int = 0) -> dict[str, Command]:
    """Return the bare command of a target for the project's train.py, which ends with `code`."""
    made = {"process": _python, "docker": _docker, "kubernetes": _kubernetes}[options.target]
    return made(options, project, image, code)


def kubectl(options: argparse.Namespace) -> list[str]:
    """Return the start of a kubectl command for the world's cluster and the namespace of its launches."""
    said = measure.variables(options.extra)
    flags = {"--kubeconfig": said.get("samerun_kubeconfig"), "--context": said.get("samerun_context")}
    chosen = [word for flag, value in flags.items() if value for word in (flag, str(value))]
    return [measure.needed("kubectl"), *chosen, "--namespace", str(said.get("training_namespace", "training"))]


def _python(_options: argparse.Namespace, project: Path, _image: str, code: int) -> dict[str, Command]:
    python = venv() / "python"
    argv = [str(python) if python.exists() else sys.executable, "train.py"]
    return {"python train.py": lambda seen: measure.run(argv, cwd=project, code=code, seen=seen)}


def _docker(_options: argparse.Namespace, project: Path, image: str, code: int) -> dict[str, Command]:
    project.chmod(0o755)  # the image has another user
    argv = [measure.needed("docker"), "run", "--rm", "-v", f"{project}:/code:ro", image, "python", "/code/train.py"]
    return {"docker run": lambda seen: measure.run(argv, code=code, seen=seen)}


def _kubernetes(options: argparse.Namespace, project: Path, image: str, _code: int) -> dict[str, Command]:
    command, numbers = kubectl(options), itertools.count()

    def create_and_follow(_seen: Callable[[str], None]) -> measure.Ran:
        # `logs` exits with 0, whatever the script's exit code is.
        name = f"samerun-benchmark-{os.getpid()}-{next(numbers)}"
        manifest = project.parent / f"{name}.json"
        manifest.write_text(json.dumps(job(name, image, (project / "train.py").read_text())))
        began = time.time()
        measure.run([*command, "create", "-f", str(manifest)])
        try:
            while True:
                # It fails while the container is being created; a user would type it again.
                try:
                    ran = measure.run([*command, "logs", "--follow", f"job/{name}"])
                except measure.Failed:
                    if time.time() - began > 60:
                        raise
                    continue
                return measure.Ran(began, ran.ended, ran.code, ran.lines)
        finally:
            manifest.unlink()
            measure.run([*command, "delete", "job", name, "--wait=false"])

    return {"kubectl create, logs -f": create_and_follow}


def job(name: str, image: str, script: str) -> dict[str, Any]:
    """Return a Job that a namespace with Pod Security `restricted` admits."""
    container = {
        "name": "training", "image": image, "command": ["python", "-c", script],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    pod = {
        "restartPolicy": "Never", "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    }  # fmt: skip
    spec = {"backoffLimit": 0, "template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
