"""A play is refused before anything starts, and changes nothing in check mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import preflight
from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.world import role_variables


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    return fakes.host(monkeypatch, samples.world(tmp_path))


@pytest.fixture(autouse=True)
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeTarget:
    return fakes.target(monkeypatch, samples.world(tmp_path))


def act(state: Path, *, check: bool = False, variables: dict[str, Any] | None = None, **store: Any) -> acting.Acted:
    options = {"world": samples.world_options(state, object_store=store), "roles": ["services"]}
    return acting.act(preflight, options, check=check, variables=variables)


def test_a_port_that_is_taken_moves_and_is_kept(tmp_path: Path, host: fakes.FakeHost) -> None:
    host.moved = {"object_store_port": 9003}
    done = act(tmp_path)
    assert done.result["moved"] == {"object_store_port": 9003}
    assert done.said == ["object_store_port: the port asked for is taken, 9003 is used and kept"]
    assert samples.world(tmp_path).object_store.port == 9003


def test_check_mode_keeps_no_port_and_settles_nothing(
    tmp_path: Path, host: fakes.FakeHost, target: fakes.FakeTarget
) -> None:
    host.moved = {"object_store_port": 9003}
    target.add(state=RunState.FINISHED)
    assert act(tmp_path, check=True).result["settled"] == []
    assert files.read_json(tmp_path / "ports.json") == {}
    assert target.asked == []


def test_a_launch_that_ended_unwatched_is_settled_and_told(tmp_path: Path, target: fakes.FakeTarget) -> None:
    target.add(state=RunState.FAILED)
    done = act(tmp_path)
    assert done.result["settled"] == [samples.LAUNCH]
    assert done.said == [f"{samples.LAUNCH} ended unwatched: FAILED"]


def test_a_store_that_does_not_run_on_the_target_is_refused(tmp_path: Path) -> None:
    found = act(tmp_path, targets=["docker"]).result
    assert (found["failed"], found["samerun_exit"]) == (True, CONFIG)
    assert "minio does not run on the target process" in found["msg"]


def test_a_variable_that_nothing_reads_is_warned_of(tmp_path: Path) -> None:
    assert act(tmp_path, variables={"training_nothing_like_it": 1}).warned == [
        "The variable training_nothing_like_it is none of samerun's; nothing reads it."
    ]


def test_a_misspelt_variable_is_refused_before_anything_is_read(tmp_path: Path, host: fakes.FakeHost) -> None:
    name = next(iter(role_variables.specs()))
    assert "Did you mean" in act(tmp_path, variables={f"{name}x": 1}).result["msg"]
    assert host.asked == []
