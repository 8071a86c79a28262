"""What services there are, and in which order they start."""

from __future__ import annotations

import graphlib
from typing import Any

import pytest
import rendering

from ansible_collections.samerun.stack.plugins.module_utils.options import DECLARED
from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared, role_variables


def test_a_service_is_a_role_with_a_data_file() -> None:
    assert declared.roles() == ("mlflow", "object_store")
    assert declared.titles() == {"mlflow": "MLflow", "object_store": "S3 store"}


def test_a_store_is_a_data_file_beside_that_of_the_service() -> None:
    assert declared.stores() == ("external", "minio", "seaweedfs")
    assert role_variables.specs()["samerun_store"]["choices"] == ["external", "minio", "seaweedfs"]


@pytest.mark.parametrize("role", declared.roles())
def test_a_data_file_says_what_others_must_know(role: str) -> None:
    required = {name for name, spec in DECLARED.items() if spec.get("required")}
    assert required - rendering.declaration(role).keys() == set()


def in_order(**needs: list[str]) -> list[str]:
    services: list[dict[str, Any]] = [{"role": role, "needs": needed} for role, needed in needs.items()]
    return [service["role"] for service in declared.in_order(services)]


def test_what_a_service_needs_starts_before_it() -> None:
    found = in_order(mlflow=["object_store", "database"], database=[], object_store=[], proxy=["mlflow"])
    assert found.index("mlflow") > max(found.index("database"), found.index("object_store"))
    assert found[-1] == "proxy"


def test_a_need_that_is_no_service_of_ours_is_no_reason_to_wait() -> None:
    assert in_order(mlflow=["somebody_elses"]) == ["mlflow"]


def test_services_that_need_each_other_are_refused() -> None:
    with pytest.raises(graphlib.CycleError):
        in_order(one=["other"], other=["one"])


def test_a_world_has_its_services_in_the_order_in_which_they_start() -> None:
    world = rendering.world_of("docker")
    assert list(world.services) == ["object_store", "mlflow"]
    assert [endpoint.role for endpoint in world.endpoints] == ["mlflow", "object_store"], "people want MLflow first"


def test_a_service_that_a_world_does_not_use_is_none_of_its_own() -> None:
    world = rendering.world_of("docker", mlflow_endpoint="https://mlflow.example", mlflow_artifact_mode="proxied")
    assert [endpoint.role for endpoint in world.endpoints] == ["mlflow"]
    assert world.own == ()
