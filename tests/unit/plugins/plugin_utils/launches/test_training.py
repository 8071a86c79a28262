from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.options import TRAINING_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.training import Training
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import training_of


@pytest.fixture
def world(tmp_path: Path) -> World:
    endpoint = Endpoint("x", "x", "process", "x", 1)
    return World("w", "process", tmp_path / "state", pair(endpoint), "bucket", "region", "access", "secret key")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "Train_It.py"
    path.parent.mkdir()
    path.write_text("print()\n")
    return path


def training(world: World, script: Path, **given: Any) -> Training:
    defaults = {name: spec.get("default") for name, spec in TRAINING_SPEC["training"]["options"].items()}
    return training_of({**defaults, "script": str(script), **given}, world)


def test_what_is_not_said_follows_from_script_and_world(world: World, script: Path) -> None:
    found = training(world, script)
    assert (found.target, found.name, found.script, found.project) == (
        "process", "Train_It", "Train_It.py", str(script.parent),
    )  # fmt: skip
    assert "mlflow" in found.environment.requirements


def test_numbers_may_be_said_as_text_as_on_a_command_line(world: World, script: Path) -> None:
    found = training(world, script, timeout="5", retries="2", start_timeout="0")
    assert (found.timeout, found.retries, found.scheduling.start_timeout) == (5, 2, 0)


def test_options_become_strings_and_empty_limits_go(world: World, script: Path) -> None:
    found = training(world, script, args=[1, "a"], env={"A": 1}, resources={"cpu": 2, "memory": ""})
    assert (found.args, found.env, found.resources) == (("1", "a"), {"A": "1"}, {"cpu": "2"})
