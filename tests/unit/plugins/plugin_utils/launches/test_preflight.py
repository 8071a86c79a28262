"""What would be in the way of a run is told before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import preflight


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    return fakes.host(monkeypatch, samples.world(tmp_path / "state"))


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeTarget:
    return fakes.target(monkeypatch, samples.world(tmp_path / "state"))


def refused(match: str, *checked: Any, by: Any) -> SamerunError:
    with pytest.raises(SamerunError, match=match) as caught:
        by(*checked)
    return caught.value


def test_a_target_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    world = samples.world_options(tmp_path)
    preflight._check_names(world, {})
    error = refused("samerun_target is 'cloud'", {**world, "target": "cloud"}, {}, by=preflight._check_names)
    assert (error.code, "process, docker, kubernetes" in error.hint) == (CONFIG, True)
    refused("training_target is 'cloud'", world, {"target": "cloud"}, by=preflight._check_names)


@pytest.mark.parametrize("role", ["mlflow", "object_store"])
def test_an_endpoint_that_is_no_address_is_refused(tmp_path: Path, role: str) -> None:
    def world(endpoint: str) -> World:
        given: dict[str, Any] = {role: {"endpoint": endpoint}}
        return samples.world(tmp_path, **given)

    preflight._check_endpoints(world("http://there:1"))
    refused(f"{role}_endpoint", world("there:1"), by=preflight._check_endpoints)


def test_a_user_is_refused_where_a_server_of_ours_asks_for_nobody(tmp_path: Path) -> None:
    user = {"username": "ann", "password": "secret"}
    error = refused("has no login", samples.world(tmp_path, mlflow=user), by=preflight._check_endpoints)
    assert "secret" not in str(error)
    preflight._check_endpoints(samples.world(tmp_path, mlflow={**user, "endpoint": "https://there"}))


def test_all_that_is_not_said_of_somebodys_store_is_named_at_once(tmp_path: Path, host: fakes.FakeHost) -> None:
    world = samples.world(tmp_path, object_store={"kind": "external"})
    error = refused("MLFLOW_S3_ENDPOINT_URL.*object_store_endpoint", world, by=preflight._check_store)
    assert "object_store_access_key" in error.message
    assert "object_store_secret_key" in error.message
    preflight._check_store(samples.world(tmp_path, **samples.with_keys(endpoint="http://there:1")))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            "object_store": {"kind": "external", "used": False},
            "mlflow": {"endpoint": "http://x:1", "artifact_mode": "proxied"},
        },
    ],
    ids=["it is ours", "runs do not use it"],
)
def test_a_store_that_needs_nothing_said_is_not_asked_about(tmp_path: Path, given: dict[str, Any]) -> None:
    preflight._check_store(samples.world(tmp_path, **given))


@pytest.mark.parametrize("state", ["absent", "stopped"])
def test_services_that_nobody_sets_up_must_be_there(tmp_path: Path, host: fakes.FakeHost, state: str) -> None:
    world = samples.world(tmp_path)
    host.states["mlflow"] = state
    error = refused(f"its mlflow is {state}", world, host, {"object_store"}, by=preflight._check_services)
    assert (error.code, "samerun up" in error.hint) == (UNAVAILABLE, True)
    preflight._check_services(world, host, {"object_store", "mlflow"})
    preflight._check_services(samples.world(tmp_path, mlflow={"endpoint": "http://x:1"}), host, {"object_store"})


def test_one_that_is_starting_is_waited_for_by_the_run(tmp_path: Path, host: fakes.FakeHost) -> None:
    host.states = {"mlflow": "starting", "minio": "starting"}
    preflight._check_services(samples.world(tmp_path), host, set())


def test_a_run_that_nothing_is_in_the_way_of_is_ready_and_not_started(
    tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget
) -> None:
    script = samples.script(tmp_path, "import mlflow\nmlflow.set_tracking_uri('http://elsewhere')\n")
    world = samples.world_options(tmp_path / "state", **samples.with_keys())
    found = preflight.check(world, samples.training_options(script))
    assert found.launcher is not None
    assert found.launcher.training.script == "train.py"
    assert [line[:29] for line in found.warnings] == ["The contract is overridden: t"]
    assert (host.asked, target.asked) == (["check"], [])


def test_an_engine_that_does_not_answer_ends_the_check(
    tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget
) -> None:
    target.problem = SamerunError("Failed to talk to it.", "", UNAVAILABLE)
    options = samples.training_options(samples.script(tmp_path))
    world = samples.world_options(tmp_path / "state", **samples.with_keys())
    refused("Failed to talk to it", world, options, by=preflight.check)
