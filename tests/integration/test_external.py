"""A team that has an MLflow and a store already uses contract, probes and launches alone."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import worlds

from ansible_collections.samerun.stack.plugins.plugin_utils.engines import docker
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS

ROOT = worlds.ROOT
_PORTS = {"mlflow_port": 5461, "object_store_port": 9462}


def _address() -> str:
    """Where this host, containers and pods reach what listens on this host."""
    if worlds.missing("docker"):
        return "127.0.0.1"
    client = docker.connect()
    try:
        (bridge,) = client.networks.get("bridge").attrs["IPAM"]["Config"]
    finally:
        client.close()
    return str(bridge.get("Gateway") or next(ipaddress.ip_network(bridge["Subnet"]).hosts()))


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.RealWorld]:
    """Services that are not the tested world's: they have another owner."""
    found = worlds.set_up(
        "process", tmp_path_factory.mktemp("team"), samerun_world="conf-team", samerun_bind=_address(), **_PORTS
    )
    yield found
    worlds.tear_down(found)


@pytest.mark.parametrize("target", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in TARGETS])
def test_a_world_of_somebody_elses_services_trains_and_sets_nothing_up(
    target: str, team: worlds.RealWorld, tmp_path: Path
) -> None:
    if reason := worlds.missing(target):
        pytest.skip(reason)
    address = _address()
    theirs = {key: value for key, value in team.variables.items() if key.startswith("object_store_") and "key" in key}
    variables = {
        **worlds.VARIABLES[target],
        **theirs,
        "samerun_world": f"conf-external-{target}",
        "samerun_state_dir": str(tmp_path / "state"),
        "samerun_store": "external",
        "mlflow_endpoint": f"http://{address}:{team.world.mlflow.port}",
        "object_store_endpoint": f"http://{address}:{team.world.object_store.port}",
        "training_namespace": "conf-external",
        "training_script": str(ROOT / "tests" / "scripts" / "second.py"),
        "training_requirements": str(ROOT / "trainer" / "requirements.txt"),
    }
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
    finally:
        removed = real.play("samerun.stack.teardown", samerun_purge=True)
    assert removed.code == 0, removed.text
    assert team.play("samerun.stack.check").code == 0, "the teardown took services that are not the world's"
