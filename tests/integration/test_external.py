"""A team that has an MLflow and a store already uses contract, probes and launches alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import addresses
import gates
import hunting
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS

ROOT = worlds.ROOT
_PORTS = {"mlflow_port": 5461 + 1000 * worlds.SLOT, "object_store_port": 9462 + 1000 * worlds.SLOT}
_NAME = f"conf{worlds.SLOT or ''}-external"
_PASSWORD = 'it\'s a "pass:word", $(id) ü'
_USER = ({"mlflow_username": "jörg", "mlflow_password": _PASSWORD}, f"jörg:{_PASSWORD}")
# What the team's MLflow asks for: variables, and the header that they must become.
_LOGINS = {
    "process": (_USER[0], "Basic " + base64.b64encode(_USER[1].encode()).decode()),
    "docker": ({"mlflow_token": "a-token-of-theirs"}, "Bearer a-token-of-theirs"),
    "kubernetes": (_USER[0], "Basic " + base64.b64encode(_USER[1].encode()).decode()),
}


def _address() -> str:
    """Where this host, containers and pods reach what listens on this host."""
    if worlds.missing("docker"):
        return "127.0.0.1"
    client = engine.connect()
    try:
        return addresses.gateway(client.networks.get("bridge"))
    finally:
        client.close()


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.RealWorld]:
    """Services that are not the tested world's: they have another owner."""
    found = worlds.set_up(
        "process", tmp_path_factory.mktemp("team"), samerun_world=f"{_NAME}-team", samerun_bind=_address(), **_PORTS
    )
    yield found
    worlds.tear_down(found)


@pytest.mark.parametrize("target", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in TARGETS])
def test_a_world_of_somebody_elses_services_trains_and_sets_nothing_up(
    target: str, team: worlds.RealWorld, tmp_path: Path
) -> None:
    if reason := worlds.missing(target):
        pytest.skip(reason)
    login, header = _LOGINS[target]
    with gates.gate(_address(), team.world.mlflow.url("host"), header) as gate:
        _trains_and_sets_nothing_up(target, team, tmp_path, {"mlflow_endpoint": gate.url, **login})
        assert gate.refused == [], "something asked MLflow without saying who it is"
        assert {"runs/create", "runs/search"} <= {path.partition("mlflow/")[2] for _, _, path in gate.passed}
    assert team.play("samerun.stack.check").code == 0, "the teardown took services that are not the world's"


def test_a_login_that_mlflow_does_not_accept_is_told_in_one_line(team: worlds.RealWorld, tmp_path: Path) -> None:
    with gates.gate(_address(), team.world.mlflow.url("host"), "Bearer another") as gate:
        given = {**_variables("process", team, tmp_path), "mlflow_endpoint": gate.url}
        for login, cause in (
            ({}, "it wants a user or a token"),
            ({"mlflow_token": "c4n4ry"}, "it does not accept the user or token"),
        ):
            played = worlds.RealWorld("process", tmp_path, {**given, **login}, {}).play("samerun.stack.check")
            assert played.code, played.text
            assert f"answers 401, {cause}" in played.text.replace("\n", " ")
            assert "mlflow_token, to what it accepts" in played.text
            assert "c4n4ry" not in played.text
        up = worlds.RealWorld("process", tmp_path, {**given, "mlflow_token": "c4n4ry"}, {}).play(
            "samerun.stack.services"
        )
        assert up.code == 0, up.text
        assert "[WARNING]: Failed to use MLflow" in up.text, "runs elsewhere may reach it, so it is only said"


def _variables(target: str, team: worlds.RealWorld, tmp_path: Path) -> dict[str, Any]:
    theirs = {key: value for key, value in team.variables.items() if key.startswith("object_store_") and "key" in key}
    return {
        **worlds.VARIABLES[target],
        **theirs,
        "samerun_world": f"{_NAME}-{target}",
        "samerun_state_dir": str(tmp_path / "state"),
        "samerun_store": "external",
        "object_store_endpoint": f"http://{_address()}:{team.world.object_store.port}",
        "training_namespace": _NAME,
        "training_script": str(ROOT / "tests" / "scripts" / "second.py"),
        "training_requirements": str(ROOT / "trainer" / "requirements.txt"),
    }


def _trains_and_sets_nothing_up(target: str, team: worlds.RealWorld, tmp_path: Path, mlflow: dict[str, str]) -> None:
    variables = {**_variables(target, team, tmp_path), **mlflow}
    real = worlds.RealWorld(target, tmp_path, variables, {})
    try:
        first, second = real.play("samerun.stack.site"), real.play("samerun.stack.site")
        (path,) = (tmp_path / "state" / "runs").glob("*/record.json")
        record = json.loads(path.read_text())
        assert (first.code, second.code, second.changed) == (0, 0, 0), first.text + second.text
        assert "Bring the service" not in first.text, "a service of its own was looked at"
        assert (record["state"], record["target"]) == ("FINISHED", target)
        assert record["tracking_uri"] == variables["mlflow_endpoint"]
        assert record["mlflow_runs"][0]["params"] == {"lr": "0.1"}
        secret = [mlflow[name] for name in ("mlflow_password", "mlflow_token") if name in mlflow]
        assert hunting.hits(first.text + second.text, secret) == []
        assert hunting.in_files(path.parent, secret) == {}
    finally:
        removed = real.play("samerun.stack.teardown", samerun_purge=True)
    assert removed.code == 0, removed.text
