"""An MLflow that asks who is there: a run says so from wherever it runs, and nothing else ever shows how.

Each target has one kind of login here and the other one in test_external.py.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import addresses
import engines
import gates
import hunting
import launches
import machines
import pytest
import world_options

from ansible_collections.samerun.stack.plugins.module_utils.contract import Login
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, tracking
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow, store

KINDS = {"process": "token", "docker": "user", "kubernetes": "token"}
# It shows what it was given, as people do who look for a mistake.
SCRIPT = """
import os, mlflow
print({name: value for name, value in os.environ.items() if name.startswith("MLFLOW_TRACKING_")}, flush=True)
with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("kept", "note.txt")
print("trained", flush=True)
"""


def of_a_process(engine: Any, launch: str) -> list[Any]:
    """What anybody of this host may see of a launch; its command line is watched."""
    return engine.leftovers(launch)


def of_a_container(engine: Any, launch: str) -> list[Any]:
    """Containers of a launch as the engine describes them, less the environment that is the script's own."""
    found = [one.attrs for one in engine.client.containers.list(filters={"label": f"{LAUNCH_LABEL}={launch}"})]
    for attributes in found:
        assert hunting.hits(json.dumps(attributes["Config"].pop("Env"), ensure_ascii=False), ["MLFLOW_TRACKING_"])
    return found


def of_a_cluster(engine: Any, launch: str) -> list[Any]:
    """All that is in the training namespace, less the data of Secrets."""
    everything = machines.cluster().everything({engine.world.training_namespace})
    for path, found in everything.items():
        if "/secrets/" in path:
            del found["data"]
    assert any("/jobs/" in path and launch in path for path in everything)
    return list(everything.values())


SHOWN = {"process": of_a_process, "docker": of_a_container, "kubernetes": of_a_cluster}


def login(kind: str) -> tuple[Login, str]:
    """A login with secrets of its own, and the header that it must become."""
    secret = f"c4n4ry/{secrets.token_hex(8)}+ü&" if kind == "user" else f"c4n4ry/{secrets.token_hex(8)}+="
    if kind == "token":
        return Login(token=secret), f"Bearer {secret}"
    pair = base64.b64encode(f"jörg of them:{secret}".encode()).decode()
    return Login("jörg of them", secret), f"Basic {pair}"


@dataclasses.dataclass
class Asked:
    """The world behind a gate, the secrets of its two logins, and what was launched with each."""

    world: World
    canaries: list[str]
    gate: gates.Gate
    right: launches.Launched
    wrong: launches.Launched
    watch: hunting.Watch
    plans: str
    objects: str


@pytest.fixture(scope="module")
def asked(real: Any, trainer: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    world: World = real.world
    script = tmp_path_factory.mktemp("asked") / "train.py"
    script.write_text(SCRIPT)
    given = {**trainer, "script": str(script)}
    (right, header), (wrong, _refused) = (login(KINDS[world.target]) for _one in range(2))
    canaries = [one.password or one.token for one in (right, wrong)]
    engine, objects = engines.engine_of(world), []

    def look(launch: str, _piece: bytes) -> None:
        if not objects:
            objects.append(json.dumps(SHOWN[world.target](engine, launch), default=str, ensure_ascii=False))

    with (
        gates.gate(addresses.of_this_machine(world), world.mlflow.url("host"), header) as gate,
        hunting.Watch(canaries, []) as watch,
    ):
        behind = dataclasses.replace(world_options.elsewhere(world, mlflow=gate.url), given=said(right))
        launched = launches.launch(behind, **given, seen=look)
        refused = launches.launch(dataclasses.replace(behind, given=said(wrong)), **given)
        plans = "".join(planned(dataclasses.replace(behind, given=said(one)), given) for one in (right, wrong))
        yield Asked(behind, canaries, gate, launched, refused, watch, plans, "".join(objects))


def said(login: Login) -> dict[str, str]:
    """A login as an inventory sets it."""
    return {f"mlflow_{part}": value for part, value in dataclasses.asdict(login).items()}


def planned(world: World, given: dict[str, Any]) -> str:
    """What is shown of a launch before it is made."""
    launcher = Launcher(world, launches.training(world, given), lambda _line: None, lambda _piece: None)
    spec, _code = launcher.spec()
    return json.dumps(launcher.target.plan(spec), default=str, ensure_ascii=False)


def test_a_run_that_says_who_it_is_trains_and_is_closed_tagged_and_kept(asked: Asked) -> None:
    record = asked.right.record
    assert (record.state, record.exit_code) == (RunState.FINISHED, 0), asked.right.log
    (run,) = record.mlflow_runs
    assert (run.status, run.metrics) == ("FINISHED", {"loss": 0.5})
    client = mlflow.tracking(asked.world)
    (found,) = client.launch_runs(record.launch)
    assert tracking.tag(found, tracking.STATE_TAG) == "FINISHED"
    kept = keeping.Artifacts(found["info"]["artifact_uri"], client, store.objects(asked.world))
    assert kept.get(keeping.LOG) == asked.right.log
    assert {"runs/create", "runs/search", "runs/update"} <= {
        path.partition("mlflow/")[2] for _said, _method, path in asked.gate.passed
    }


def test_one_that_mlflow_does_not_know_ends_before_it_trains_and_names_the_variable(asked: Asked) -> None:
    record = asked.wrong.record
    assert (record.state, record.exit_code, record.mlflow_runs) == (RunState.FAILED, None, [])
    (line,) = asked.wrong.log.decode().splitlines()
    assert f"MLFLOW_TRACKING_URI={asked.gate.url} answers 401, it does not accept the user or token." in line
    assert line.endswith("Set mlflow_username and mlflow_password, or mlflow_token, to what it accepts.")
    assert f"{record.reason} {record.hint}" in line


def test_no_log_record_plan_object_or_command_line_holds_a_login(asked: Asked) -> None:
    assert b"********" in asked.right.log, "the script has shown it"
    assert asked.watch.programs
    assert asked.watch.found == set()
    assert asked.objects
    for text in (asked.right.log, asked.wrong.log, asked.plans, asked.objects):
        assert hunting.hits(text, asked.canaries) == []
    for one in (asked.right, asked.wrong):
        assert hunting.in_files(Path(asked.world.runs / one.record.launch), asked.canaries) == {}
    (found,) = mlflow.tracking(asked.world).launch_runs(asked.right.record.launch)
    assert hunting.hits(json.dumps(found, ensure_ascii=False), asked.canaries) == []
