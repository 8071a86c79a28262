from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.modules.training_run import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher, Training


@pytest.fixture
def world(tmp_path: Path) -> World:
    endpoint = Endpoint("x", "x", "process", "x", 1)
    return World(
        "w",
        "process",
        tmp_path / "state",
        pair(endpoint),
        "bucket",
        "region",
        "access",
        "secret key",
    )


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "Train_It.py"
    path.parent.mkdir()
    path.write_text("print()\n")
    return path


def training(world: World, script: Path, **given: Any) -> Training:
    defaults = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items() if name != "world"}
    return Training.from_options({**defaults, "script": str(script), **given}, world)


def spec(world: World, script: Path, **given: Any) -> RunSpec:
    return Launcher(world, training(world, script, **given), print, print).spec()[0]


def test_what_is_not_said_follows_from_script_and_world(world: World, script: Path) -> None:
    found = training(world, script)
    assert (found.target, found.name, found.script, found.project) == (
        "process", "Train_It", "Train_It.py", str(script.parent),
    )  # fmt: skip
    assert "mlflow" in found.environment.requirements


def test_options_become_strings_and_empty_limits_go(world: World, script: Path) -> None:
    found = training(world, script, args=[1, "a"], env={"A": 1}, resources={"cpu": 2, "memory": ""})
    assert (found.args, found.env, found.resources) == (("1", "a"), {"A": "1"}, {"cpu": "2"})


@pytest.mark.parametrize(
    "given",
    [{"args": ["a"]}, {"env": {"A": "1"}}, {"secret_env": {"S": "1"}}, {"volumes": ["data:/data"]}],
    ids=lambda given: next(iter(given)),
)
def test_a_fingerprint_follows_what_is_asked_for(world: World, script: Path, given: dict[str, Any]) -> None:
    assert spec(world, script, **given).fingerprint != spec(world, script).fingerprint


def test_a_fingerprint_follows_the_code_and_not_the_endpoints(world: World, script: Path) -> None:
    before = spec(world, script)
    moved = Endpoint("x", "x", "process", "x", 2)
    assert (
        spec(dataclasses.replace(world, services={**world.services, "mlflow": moved}), script).fingerprint
        == before.fingerprint
    )
    assert spec(world, script, name="other").fingerprint == before.fingerprint
    assert (
        spec(world, script, secret_env={"S": "a"}).fingerprint == spec(world, script, secret_env={"S": "b"}).fingerprint
    )
    script.with_name("neighbour.py").write_text("x = 1\n")
    assert spec(world, script).fingerprint != before.fingerprint


def test_a_world_without_keys_can_be_planned_and_not_run(world: World, script: Path) -> None:
    bare = World(**{**world.__dict__, "access_key": "", "secret_key": ""})
    launcher = Launcher(bare, training(bare, script), print, print)
    with pytest.raises(SamerunError, match=r"object_store_access_key.*object_store_secret_key"):
        launcher.spec()
    assert launcher.spec(planning=True)[0].contract.secret


def test_two_launches_of_one_training_have_names_of_their_own(world: World, script: Path) -> None:
    assert spec(world, script).launch != spec(world, script).launch
