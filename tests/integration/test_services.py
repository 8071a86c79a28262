"""Services of every world come back when they are killed, keep what they hold, and are mended when edited by hand."""

from __future__ import annotations

import engines
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, s3
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow as server
from ansible_collections.samerun.stack.plugins.plugin_utils.world import store

ROLES = ("object_store", "mlflow")


@pytest.fixture
def engine(world: World) -> engines.Engine:
    return engines.engine_of(world)


def endpoint(world: World, role: str) -> Endpoint:
    return world.mlflow if role == "mlflow" else world.object_store


def silence(world: World) -> str:
    """Why the services cannot be used from here; empty if both can."""
    try:
        server.probe(world)
        s3.probe_s3(store.objects(world), world.bucket, world.object_store.url("host"), "host")
    except probes.ProbeError as error:
        return error.message
    return ""


def unchanged(real: worlds.RealWorld) -> worlds.Played:
    """Play the services, which must find nothing to do."""
    played = real.play("samerun.stack.services")
    assert (played.code, played.changed) == (0, 0), played.text
    return played


@pytest.mark.parametrize("role", ROLES)
def test_a_killed_service_comes_back_by_itself(world: World, engine: engines.Engine, role: str) -> None:
    service = endpoint(world, role)
    engine.kill_service(service.name, service.namespace)
    engines.wait_until(lambda: not silence(world), f"{service.name} answers again", 120)
    host = host_of(world)
    engines.wait_until(
        lambda: host.running(role, service.name, service.namespace) == "running", f"{service.name} runs again", 60
    )


def test_data_survives_teardown(real: worlds.RealWorld) -> None:
    world = real.world
    store.client(world).put_object(Bucket=world.bucket, Key="survivor", Body=b"still here")
    mlflow = server.tracking(world)
    experiment = mlflow.call("experiments/create", {"name": f"survivor of {world.name}"})["experiment_id"]

    down = real.play("samerun.stack.teardown")
    assert down.code == 0, down.text
    assert down.changed
    host = host_of(world)
    for role in ROLES:
        service = endpoint(world, role)
        assert host.running(role, service.name, service.namespace) == "absent"
    assert silence(world)

    up = real.play("samerun.stack.services")
    assert up.code == 0, up.text
    assert store.client(world).get_object(Bucket=world.bucket, Key="survivor")["Body"].read() == b"still here"
    assert mlflow.experiments()[experiment] == f"survivor of {world.name}"
    unchanged(real)


def test_what_is_up_is_left_alone(real: worlds.RealWorld) -> None:
    real.play("samerun.stack.services")
    unchanged(real)


def test_check_mode_predicts_a_repair_and_makes_none(real: worlds.RealWorld, engine: engines.Engine) -> None:
    edit(engine, engine.EDITS[0])
    try:
        predicted = real.play("samerun.stack.services", "--check", "--diff")
        assert predicted.code == 0, predicted.text
        assert predicted.changed
        assert [value for value in secrets_of(real) if value in predicted.text] == []
    finally:
        assert real.play("samerun.stack.services").changed, "the prediction mended it"


def test_edits_by_hand_are_mended_once(real: worlds.RealWorld, engine: engines.Engine) -> None:
    found = {}
    for name in engine.EDITS:
        edit(engine, name)
        mended = real.play("samerun.stack.services")
        problem = silence(real.world)
        again = real.play("samerun.stack.services")
        found[name] = (mended.code, bool(mended.changed), problem, again.code, again.changed)
    assert found == dict.fromkeys(engine.EDITS, (0, True, "", 0, 0))


def edit(engine: engines.Engine, name: str) -> None:
    service = engine.world.object_store
    getattr(engine, f"edit_{name}")(service.name, service.namespace)


def secrets_of(real: worlds.RealWorld) -> list[str]:
    return [real.variables["object_store_secret_key"]]
