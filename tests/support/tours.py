"""Sets a world up from nothing on each target, and records everything that is visible meanwhile."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machines
import psutil
import stacks
from counting import Counter, Kept
from hunting import Watch
from plays import ROOT, Play
from stacks import Stack

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

OBSERVE = ROOT / "tests" / "scripts" / "observe.py"
REQUIREMENTS = ROOT / "trainer" / "requirements.txt"
CLAIMS, CLAIM = "/api/v1/namespaces/training/persistentvolumeclaims", "observed-data"
NOWHERE = "127.0.0.1:1/nowhere:1"  # an image that nobody can pull
# Variables that a user may have exported for other work; a run must never see them.
FOREIGN = {
    "AWS_ACCESS_KEY_ID": "foreign-access",
    "AWS_SECRET_ACCESS_KEY": "foreign-secret",
    "AWS_SESSION_TOKEN": "foreign-token",
    "MLFLOW_TRACKING_URI": "http://foreign.example:5000",
    "MLFLOW_TRACKING_TOKEN": "foreign-token",
}


_RUNS = {"access_key": "ACCESS_KEY_ID", "secret_key": "SECRET_ACCESS_KEY"}


@dataclass
class Tour:
    """Everything that was recorded while a world was set up.

    Attributes:
        canaries: secrets by the variable that set them; the keys of runs are `runs_access_key` and `runs_secret_key`.
        predicted: `--check --diff` on the empty machine.
        before, after: the objects on the engine before and after that prediction.
        state_after: whether the prediction left a state folder.
        first: the first run of site.yml, with the most verbose output.
        observing: the play that launched tests/scripts/observe.py; `launch` is its id.
        run: the engine's own description of that launch while it ran.
        everything: everything that the engine would show to anybody meanwhile.
        failing: plays that fail because of the script, its image, or a service, with the most verbose output.
    """

    stack: Stack
    canaries: dict[str, str]
    watch: Watch
    before: set[str]
    predicted: Play
    after: set[str]
    state_after: bool
    first: Play
    observing: Play
    launch: str
    run: dict[str, Any]
    everything: dict[str, Any]
    failing: dict[str, Play]


class Tours:
    """The worlds that are up; a world is set up when a test first needs it.

    Args:
        folder: the folder for their state, scripts and data.
        counter: is told which worlds are up.
    """

    def __init__(self, folder: Path, counter: Counter) -> None:
        self._folder = folder
        self._counter = counter
        self._stacks: dict[str, Stack] = {}
        self._seen: dict[str, Tour | BaseException] = {}

    def of(self, target: str) -> Tour:
        if target not in self._seen:
            try:
                self._seen[target] = self._set_up(target)
            except BaseException as error:  # so that the next test does not try again for minutes
                self._seen[target] = error
        found = self._seen[target]
        if isinstance(found, BaseException):
            raise found
        return found

    def end(self, target: str) -> None:
        """Remove the world with all its data, so that its names are free."""
        self._seen.pop(target, None)
        if stack := self._stacks.pop(target, None):
            if target == "kubernetes":  # an object that is not samerun's, so the namespace would be kept
                machines.cluster().call("DELETE", f"{CLAIMS}/{CLAIM}")
            stack.play("teardown", samerun_purge=True).succeeded()
            stacks.until(lambda: not stacks.in_the_way(target), f"the end of world {stack.name}", 120)
            self._counter.forget(stack.name)

    def _set_up(self, target: str) -> Tour:
        variables = stacks.variables(target)
        stacks.require_free_names(target)
        canaries = {
            "object_store_access_key": secrets.token_hex(10),
            "object_store_secret_key": secrets.token_hex(16),
            # Every encoding of this value differs from the value itself.
            "training_secret_env": f'a/b+c=ü& "{secrets.token_hex(12)}',
        }
        folder = self._folder / target
        shutil.rmtree(folder, ignore_errors=True)  # left by a world that a test has ended
        for name in ("data", "project", "tmp"):
            (folder / name).mkdir(parents=True)
        (folder / "data").chmod(0o777)
        variables |= canaries | {
            "training_requirements": str(REQUIREMENTS),
            "training_secret_env": {"OBSERVE_TOKEN": canaries["training_secret_env"]},
        }
        places = ("TMPDIR", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP")
        stack = Stack(target, folder, variables, {**FOREIGN, **dict.fromkeys(places, str(folder / "tmp"))})
        self._stacks[target] = stack
        self._counter.keep(Kept(stack.name, stack.state, lambda: Tracking(stack.contract["MLFLOW_TRACKING_URI"])))
        return _watched(stack, canaries)


def _watched(stack: Stack, canaries: dict[str, str]) -> Tour:
    with Watch(canaries.values(), [stack.folder / "tmp", Path("~/.ansible/tmp").expanduser()]) as watch:
        before = stacks.snapshot(stack.target)
        predicted = stack.play("site", "--check", "--diff")
        after, state_after = stacks.snapshot(stack.target), stack.state.exists()
        loud = {"ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1"}
        first = stack.play("site", "-vvvv", "--diff", environment=loud).succeeded()
        canaries |= {f"runs_{part}": stack.contract[f"AWS_{name}"] for part, name in _RUNS.items()}
        watch.add(canaries.values())
        with ThreadPoolExecutor(1) as pool:
            playing = pool.submit(observe, stack, "-vvvv", environment=loud, seconds=4)
            run = stacks.until(lambda: playing.done() or RUNNING[stack.target](stack), "the start of the launch")
            everything = _everything(stack.target)
            observing = playing.result()
        failing = _failing(stack, loud)
    return Tour(
        stack,
        canaries,
        watch,
        before,
        predicted,
        after,
        state_after,
        first,
        observing,
        observing.launch,
        run,
        everything,
        failing,
    )


def _failing(stack: Stack, environment: dict[str, str]) -> dict[str, Play]:
    """Run plays that fail: with the same script, and with services."""
    loud = ("-vvvv", "--diff")
    found = {"script": observe(stack, *loud, environment=environment, exit_code=3)}
    if stack.target == "process":
        found["service"] = stack.play("services", *loud, environment=environment, mlflow_version="0.0.0.1")
    else:
        found["image"] = observe(stack, *loud, environment=environment, training_image=NOWHERE)
    if stack.target == "docker":
        found["service"] = stack.play("services", *loud, environment=environment, mlflow_image=NOWHERE)
    return found


def observe(
    stack: Stack, *arguments: str, seconds: int = 0, exit_code: int = 0, playbook: str = "train", **variables: Any
) -> Play:
    """Run tests/scripts/observe.py with files next to it, from a project folder that has nothing else."""
    script = stack.folder / "project" / OBSERVE.name
    shutil.copyfile(OBSERVE, script)
    source = CLAIM if stack.target == "kubernetes" else stack.folder / "data"
    if stack.target == "kubernetes":
        _ensure_claim()
    env = {"OBSERVE_COLOUR": "blue", "OBSERVE_DATA": "/data", "OBSERVE_SECONDS": str(seconds)}
    own = {
        "training_script": str(script),
        "training_env": {**env, **({"OBSERVE_EXIT": str(exit_code)} if exit_code else {})},
        "training_volumes": [f"{source}:/data"],
        **({} if stack.target == "process" else {"training_resources": {"cpu": "500m", "memory": "1Gi"}}),
    }
    return stack.play(playbook, *arguments, **{**own, **variables})


def _ensure_claim() -> None:
    if machines.cluster().get(f"{CLAIMS}/{CLAIM}") is None:
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": CLAIM}, "spec": spec}
        machines.cluster().call("POST", CLAIMS, claim)


def _process(stack: Stack) -> dict[str, Any]:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if OBSERVE.name in words and str(stack.state) in process.cwd():
            return {"cmdline": words, "cwd": process.cwd(), "pid": process.pid}
    return {}


def _container(stack: Stack) -> dict[str, Any]:
    labels = {"label": ["samerun.dev/launch", f"samerun.dev/world={stack.name}"], "status": "running"}
    found = machines.docker_client().containers.list(filters=labels)
    return {"container": found[0].attrs} if found else {}


def _pod(stack: Stack) -> dict[str, Any]:
    cluster, place = machines.cluster(), "/namespaces/training"
    for job in cluster.items(f"/apis/batch/v1{place}/jobs"):
        launch = job["metadata"]["labels"]["samerun.dev/launch"]
        pods = cluster.items(f"/api/v1{place}/pods?labelSelector=samerun.dev/launch={launch}")
        if running := [pod for pod in pods if pod["status"].get("phase") == "Running"]:
            return {"pod": running[0], "job": job}
    return {}


RUNNING: dict[str, Callable[[Stack], dict[str, Any]]] = {
    "process": _process, "docker": _container, "kubernetes": _pod,
}  # fmt: skip


def _everything(target: str) -> dict[str, Any]:
    if target == "docker":
        client = machines.docker_client()
        found = {f"container {one.name}": one.attrs for one in client.containers.list(all=True)}
        for one in client.images.list():
            found[f"image {one.id}"] = [one.attrs, one.history()]
        return found
    return machines.cluster().everything(stacks.NAMESPACES) if target == "kubernetes" else {}
