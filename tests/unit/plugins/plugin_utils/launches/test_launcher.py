from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.options import TRAINING_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.training import Training
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import training_of


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
    defaults = {name: spec.get("default") for name, spec in TRAINING_SPEC["training"]["options"].items()}
    return training_of({**defaults, "script": str(script), **given}, world)


def spec(world: World, script: Path, **given: Any) -> RunSpec:
    return Launcher(world, training(world, script, **given), print, print).spec()[0]


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


@pytest.mark.parametrize(
    "target, environment, fingerprint",
    [
        (
            "process",
            {"python": "/usr/bin/env"},
            "02313295088ab09cb04c4f5a355582720a1f518d7a93f3a5e69b2ad2b87e55b5",
        ),
        (
            "docker",
            {"image": "trainer:1"},
            "80b855a328850585c1ab91b7533cf4af7c01590f46460c4bdb5ab8f23978039b",
        ),
    ],
)
def test_a_fingerprint_stays_what_it_was_in_earlier_versions(
    tmp_path: Path, script: Path, target: str, environment: dict[str, str], fingerprint: str
) -> None:
    """Another one would have `site.yml` repeat every training that was done before."""
    endpoint = Endpoint("x", "x", target, "x", 1)
    world = World("w", target, tmp_path / "state", pair(endpoint), "bucket", "region", "access", "secret key")
    given = {
        "args": ["--epochs", 3], "env": {"B": 2, "A": "1"}, "secret_env": {"S": "x"}, "volumes": ["data:/data:ro"],
        "name": "other", "timeout": 5, **environment,
    }  # fmt: skip
    assert spec(world, script, **given).fingerprint == fingerprint


def test_a_world_without_keys_can_be_planned_and_not_run(world: World, script: Path) -> None:
    bare = World(**{**world.__dict__, "access_key": "", "secret_key": ""})
    launcher = Launcher(bare, training(bare, script), print, print)
    with pytest.raises(SamerunError, match=r"object_store_access_key.*object_store_secret_key"):
        launcher.spec()
    assert launcher.spec(planning=True)[0].contract.secret


def test_two_launches_of_one_training_have_names_of_their_own(world: World, script: Path) -> None:
    assert spec(world, script).launch != spec(world, script).launch
