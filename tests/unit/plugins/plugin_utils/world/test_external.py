"""Services of somebody else's are asked from here, and what is wrong with them is told and no more."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import samples
from world_options import service as declare

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.probes import ProbeError
from ansible_collections.samerun.stack.plugins.plugin_utils.world import external


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setitem(external._PROBES, "mlflow", lambda _world: found.append("mlflow"))
    monkeypatch.setitem(external._PROBES, "object_store", lambda _world: found.append("object_store"))
    return found


def test_services_of_our_own_are_not_asked(tmp_path: Path, asked: list[str]) -> None:
    assert external.unusable(samples.world(tmp_path)) == []
    assert external.unusable(samples.world(tmp_path, mlflow={"endpoint": "http://there:1"})) == []
    assert asked == ["mlflow"]


@pytest.mark.parametrize("error", [ProbeError("Failed.", "Mend it."), SamerunError("Failed.", "Mend it.")])
def test_all_that_cannot_be_used_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(_world: World) -> None:
        raise error

    for role in ("mlflow", "object_store"):
        monkeypatch.setitem(external._PROBES, role, fails)
    there = {"endpoint": "http://there:1"}
    assert external.unusable(samples.world(tmp_path, mlflow=there, object_store=there)) == ["Failed. Mend it."] * 2


def test_of_any_other_service_it_is_enough_that_it_answers(tmp_path: Path, asked: list[str]) -> None:
    def world(port: int) -> World:
        page = declare("page", port=1, endpoint=f"http://127.0.0.1:{port}")
        return samples.world(tmp_path, services=[page])

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert external.unusable(world(port)) == []
    (problem,) = external.unusable(world(port))
    assert f"page_endpoint=http://127.0.0.1:{port}" in problem
    assert problem.endswith("name another: page_endpoint.")
    assert asked == []
