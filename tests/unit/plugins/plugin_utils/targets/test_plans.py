"""Golden plans: data/<case>.<target>.json holds what is asked for and the native request that follows from it.

To regenerate after a wanted change, and then read what git shows:

    SAMERUN_UPDATE_GOLDEN=1 python -m pytest tests/unit/plugins/plugin_utils/targets/test_plans.py

A new case is a file with `world` (options that differ) and `spec` (fields that differ); its `plan` is written so.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import Environment, RunSpec, Scheduling, Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import private_mounts
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target

DATA = Path(__file__).parent / "data"
UPDATE = bool(os.environ.get("SAMERUN_UPDATE_GOLDEN"))
CANARY = "canary-in-a-cage"
CASES = sorted(path.name.removesuffix(".json") for path in DATA.glob("*.json"))
# What depends on where samerun is installed.
PLACES = {private_mounts.__file__: "<collection>/plugins/plugin_utils/engines/process/private_mounts.py"}


def read(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{case}.json").read_text())
    return found


def made_world(case: str, given: dict[str, Any]) -> World:
    """The world of a case: names and ports as the packaged inventories have them."""

    server = {"namespace": "monitoring", "node_port": 30500, **given.get("mlflow", {})}
    store = {"namespace": "storage", "node_port": 30900, **given.get("object_store", {})}
    common = {"target": case.rpartition(".")[2], "name": "golden", "state_dir": "/state", "node_address": "localhost"}
    return World.from_options(world_options(**{**common, **given, "mlflow": server, "object_store": store}))


def made(case: str, found: dict[str, Any]) -> tuple[Target, RunSpec]:
    """The target of a case, and the spec that its plan is made of."""
    world = made_world(case, found.get("world", {}))
    target = TARGETS[case.rpartition(".")[2]](world)
    given = {
        "name": "train", "script": "train.py", "args": [], "environment": {"python": "python", "image": "trainer:1"},
        **found["spec"],
    }  # fmt: skip
    keys = Credentials("an access key", f"{CANARY} of the store")
    contract = world.contract(target.viewpoint(given.get("network", "")), keys)
    changed = {
        "args": tuple(given["args"]), "contract": contract, "environment": Environment(**given["environment"]),
        "volumes": tuple(Volume(**volume) for volume in given.get("volumes", [])),
        "scheduling": Scheduling(**given.get("scheduling", {})),
    }  # fmt: skip
    fixed = {
        "launch": "train-20260101-000000-abcd", "world": world.name, "target": target.NAME, "bucket": world.bucket,
        "script_sha256": "5c" * 32, "bundle_sha256": "b0" * 32, "fingerprint": "f1" * 32,
    }  # fmt: skip
    return target, RunSpec(**{**given, **fixed, **changed})


def plan(case: str, found: dict[str, Any]) -> dict[str, Any]:
    """The native request, or what refuses it."""
    try:
        target, spec = made(case, found)
        planned: dict[str, Any] = target.plan(spec)
    except SamerunError as error:
        return {"refused": error.message, "hint": error.hint}
    text = json.dumps(planned)
    for place, name in PLACES.items():
        text = text.replace(place, name)
    replaced: dict[str, Any] = json.loads(text)
    return replaced


@pytest.mark.parametrize("case", CASES)
def test_the_request_follows_from_what_is_asked_for(case: str) -> None:
    found = read(case)
    planned = plan(case, found)
    if UPDATE:
        (DATA / f"{case}.json").write_text(json.dumps({**found, "plan": planned}, indent=2, ensure_ascii=False) + "\n")
    assert planned == read(case)["plan"]


@pytest.mark.parametrize("case", CASES)
def test_a_plan_holds_the_names_of_secrets_and_none_of_their_values(case: str) -> None:
    found = read(case)
    planned = plan(case, found)
    assert CANARY not in json.dumps(planned)
    assert [name for name in found["spec"].get("secret_env", {}) if name not in json.dumps(planned)] == [] or (
        "refused" in planned
    )


def test_every_case_stands_for_every_target() -> None:
    names = {case.rpartition(".")[0] for case in CASES}
    assert set(CASES) == {f"{name}.{target}" for name in names for target in TARGETS}
    assert names


@pytest.mark.parametrize("case", [case for case in CASES if read(case)["spec"].get("secret_env")])
def test_the_values_of_secrets_change_nothing_in_a_plan(case: str) -> None:
    found = read(case)
    others = dict.fromkeys(found["spec"]["secret_env"], "another value")
    assert plan(case, {**found, "spec": {**found["spec"], "secret_env": others}}) == plan(case, found)
