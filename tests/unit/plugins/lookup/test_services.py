"""A play asks for the services of its world by this plugin."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.samerun.stack.plugins.lookup.services import LookupModule
from ansible_collections.samerun.stack.plugins.module_utils.options import DECLARED
from samerun import embedded, resolving


@pytest.fixture(scope="module")
def defaults() -> dict[str, Any]:
    """What a play knows of the world by its role."""
    with embedded.entered():
        found, internal = resolving._ours()
    return {**found, **internal, "samerun_target": "docker"}


def services(variables: dict[str, Any]) -> dict[str, dict[str, Any]]:
    with embedded.entered():
        templar = Templar(loader=DataLoader(), variables=variables)
        return {found["role"]: found for found in LookupModule(templar=templar).run([], variables)}


def test_services_come_in_the_order_in_which_they_start_with_all_that_is_declared(defaults: dict[str, Any]) -> None:
    found = services(defaults)
    assert list(found) == ["object_store", "mlflow"]
    assert [service.keys() for service in found.values()] == [DECLARED.keys()] * 2


def test_variables_of_the_play_win_over_the_roles_defaults(defaults: dict[str, Any]) -> None:
    assert services(defaults)["mlflow"]["name"] == "mlflow"
    assert services({**defaults, "mlflow_name": "mine"})["mlflow"]["name"] == "mine"


def test_outside_a_template_there_is_none() -> None:
    assert LookupModule().run([], {}) == []
