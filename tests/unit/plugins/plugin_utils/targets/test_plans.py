"""Golden plans: data/<case>.<target>.json holds what is asked for and the native request that follows from it.

To regenerate after a wanted change, and then read what git shows:

    SAMERUN_UPDATE_GOLDEN=1 python -m pytest tests/unit/plugins/plugin_utils/targets/test_plans.py

A new case is a file with `world` (options that differ) and `spec` (fields of `Training` that differ, and
`environment`); its `plan` is written so.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from world_options import world_options

from ansible_collections.samerun.stack.plugins.module_utils.contract import TABLE, Contract, resolve
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import Environment, RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.training import Keeping, Scheduling, Training, Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import private_mounts
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target

DATA = Path(__file__).parent / "data"
UPDATE = bool(os.environ.get("SAMERUN_UPDATE_GOLDEN"))
CANARY = "canary-in-a-cage"
CASES = sorted(path.name.removesuffix(".json") for path in DATA.glob("*.json"))
KNOWN = {row.name for row in TABLE if any(f'"{row.name}"' in path.read_text() for path in DATA.glob("*.json"))}
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


def shown(contract: Contract) -> Contract:
    """`contract` with the variables that the cases know: a plan's shape does not change with the next one's value."""
    plain, secret = (
        {name: value for name, value in values.items() if name in KNOWN} for values in (contract.plain, contract.secret)
    )
    return replace(contract, plain=plain, secret=secret)


def made(case: str, found: dict[str, Any]) -> tuple[Target, RunSpec]:
    """The target of a case, and the spec that its plan is made of."""
    world = made_world(case, found.get("world", {}))
    target = TARGETS[case.rpartition(".")[2]](world)
    given = {"name": "train", "script": "train.py", **found["spec"]}
    environment = Environment(**given.pop("environment", {"python": "python", "image": "trainer:1"}))
    typed: dict[str, Any] = {
        "args": tuple(given.get("args", [])), "volumes": tuple(Volume(**one) for one in given.get("volumes", [])),
        "scheduling": Scheduling(**given.get("scheduling", {})), "keeping": Keeping(**given.get("keeping", {})),
    }  # fmt: skip
    training = Training(**{**given, **typed, "target": target.NAME})
    keys = Credentials("an access key", f"{CANARY} of the store")
    contract = shown(world.contract(target.viewpoint(training.network), keys))
    return target, RunSpec(
        launch="train-20260101-000000-abcd", world=world.name, training=training, script_sha256="5c" * 32,
        bundle_sha256="b0" * 32, fingerprint="f1" * 32, environment=environment, contract=contract,
        bucket=world.bucket,
    )  # fmt: skip


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


@pytest.mark.parametrize("name", TARGETS)
def test_every_variable_of_the_contract_is_in_a_plan_and_in_the_record(name: str) -> None:
    target, spec = made(f"minimal.{name}", read(f"minimal.{name}"))
    contract = resolve({row.source: "a value" for row in TABLE})
    spec = replace(spec, contract=contract)
    planned = json.dumps(target.plan(spec))
    assert [row.name for row in TABLE if f'"{row.name}"' not in planned] == []
    assert spec.record().contract["names"] == sorted(row.name for row in TABLE)


def test_every_case_stands_for_every_target() -> None:
    names = {case.rpartition(".")[0] for case in CASES}
    assert set(CASES) == {f"{name}.{target}" for name in names for target in TARGETS}
    assert names


@pytest.mark.parametrize("case", [case for case in CASES if read(case)["spec"].get("secret_env")])
def test_the_values_of_secrets_change_nothing_in_a_plan(case: str) -> None:
    found = read(case)
    others = dict.fromkeys(found["spec"]["secret_env"], "another value")
    assert plan(case, {**found, "spec": {**found["spec"], "secret_env": others}}) == plan(case, found)
