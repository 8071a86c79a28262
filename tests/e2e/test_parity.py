"""One unchanged script on all three targets: the same run, and nothing done twice."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path
from plays import ROOT
from stacks import Stack
from tours import REQUIREMENTS, Tour, Tours

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs

TRAINER = ROOT / "trainer" / "train.py"
SECOND = ROOT / "tests" / "scripts" / "second.py"
TOLERANCE = 1e-4
OTHERS = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("docker", "kubernetes")]
# What a person would write to use the model: nothing but MLflow and the contract.
PREDICT = """
import json, sys
import mlflow.pytorch, torch
from sklearn.datasets import load_digits
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
assert images.shape[1:] == (1, 8, 8)
model = mlflow.pytorch.load_model(sys.argv[1])
with torch.no_grad():
    found = model(images).argmax(dim=1)
print(json.dumps({"right": (found == torch.tensor(digits.target)).float().mean().item(), "count": len(found)}))
"""


def trained(tour: Tour) -> dict[str, Any]:
    """The record of trainer/train.py."""
    (launch,) = (name for name in tour.stack.launches if name in tour.first.launches)
    return tour.stack.record(launch)


def history(stack: Stack, run: dict[str, Any]) -> dict[str, list[tuple[int, float]]]:
    """Metric to its points, each a step and a value."""
    found = {}
    for name in run["metrics"]:
        answer = stack.mlflow(f"metrics/get-history?run_id={run['run_id']}&metric_key={name}")
        found[name] = sorted((int(point.get("step", 0)), float(point["value"])) for point in answer["metrics"])
    return found


def logged_models(stack: Stack, run: dict[str, Any]) -> list[dict[str, Any]]:
    experiment = stack.mlflow(f"runs/get?run_id={run['run_id']}")["run"]["info"]["experiment_id"]
    found = stack.mlflow("logged-models/search", {"experiment_ids": [experiment]}).get("models", [])
    return [model["info"] for model in found if model["info"].get("source_run_id") == run["run_id"]]


def left(stack: Stack, run: dict[str, Any]) -> dict[str, Any]:
    """What a run left in the store: the files of its own, and of each logged model by its name."""
    own = stack.mlflow(f"runs/get?run_id={run['run_id']}")["run"]["info"]["artifact_uri"]
    models = {model["name"]: sorted(stack.keys(model["artifact_uri"])) for model in logged_models(stack, run)}
    return {"artifacts": sorted(stack.keys(own)), "models": models}


def test_the_file_on_disk_is_what_ran(tour: Tour) -> None:
    record = trained(tour)
    assert record["script_sha256"] == hashlib.sha256(TRAINER.read_bytes()).hexdigest()
    assert (record["state"], record["exit_code"], record["target"]) == ("FINISHED", 0, tour.stack.target)
    assert [run["status"] for run in record["mlflow_runs"]] == ["FINISHED"]


@pytest.mark.process
@pytest.mark.parametrize("other", OTHERS)
def test_two_targets_make_the_same_run(tours: Tours, other: str) -> None:
    here, there = tours.of("process"), tours.of(other)
    one, two = trained(here), trained(there)
    assert two["bundle_sha256"] == one["bundle_sha256"]
    assert two["contract"]["names"] == one["contract"]["names"]
    assert len(two["mlflow_runs"]) == len(one["mlflow_runs"]) == 1
    run, copy = one["mlflow_runs"][0], two["mlflow_runs"][0]
    assert (copy["name"], copy["experiment"]) == (run["name"], run["experiment"])
    assert (run["name"], run["experiment"]) == ("resnet50-exp1", "image-classification")
    assert copy["params"] == run["params"]
    assert set(run["params"]) == {"model_name", "learning_rate"}
    points, same = history(here.stack, run), history(there.stack, copy)
    assert {name: [step for step, _ in found] for name, found in same.items()} == {"train_loss": [0, 1, 2, 3, 4]}
    assert [step for step, _ in points["train_loss"]] == [0, 1, 2, 3, 4]
    for (_, loss), (_, again) in zip(points["train_loss"], same["train_loss"], strict=True):
        assert again == pytest.approx(loss, abs=TOLERANCE)
    assert left(there.stack, copy) == left(here.stack, run)
    assert "MLmodel" in left(here.stack, run)["models"]["model"]


@pytest.fixture(scope="session")
def python() -> Path:
    """The trainer's own interpreter."""
    folder, _made = venvs.ensure(user_cache_path("samerun"), REQUIREMENTS.read_text(), print)
    return folder / "bin" / "python"


def test_the_model_comes_back_from_the_store_and_predicts(tour: Tour, python: Path, tmp_path: Path) -> None:
    (model,) = logged_models(tour.stack, trained(tour)["mlflow_runs"][0])
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", PREDICT, f"models:/{model['model_id']}"],
        env={"PATH": "", "HOME": str(tmp_path), **tour.stack.contract},
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["count"] == 1797
    assert answer["right"] > 0.9


def test_the_second_shape_of_script_runs_too(tour: Tour) -> None:
    script = tour.stack.folder / "project" / SECOND.name
    script.write_bytes(SECOND.read_bytes())
    record = tour.stack.train(script)
    assert (record["state"], record["exit_code"]) == ("FINISHED", 0)
    (run,) = record["mlflow_runs"]
    assert (run["experiment"], run["params"]) == ("my-experiment", {"lr": "0.1"})
    points = history(tour.stack, run)["loss"]
    assert [step for step, _ in points] == [0, 1, 2]
    # Plain gradient descent on a line: the same on every machine.
    assert [loss for _, loss in points] == pytest.approx([5.2527, 4.0684, 3.2165], abs=1e-3)
    assert "MLmodel" in left(tour.stack, run)["models"]["model"]
