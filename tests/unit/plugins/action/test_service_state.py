"""One comparison decides what the role does, and predicts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import service_state
from ansible_collections.samerun.stack.plugins.plugin_utils.services import readiness
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceState


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    monkeypatch.setattr(readiness, "problem", lambda _host, _service: "")
    return fakes.host(monkeypatch, samples.world(tmp_path))


def act(state: Path, *, check: bool = False, **more: Any) -> dict[str, Any]:
    options = {"world": samples.world_options(state), "service": samples.service_options(), **more}
    return acting.act(service_state, options, check=check).result


def test_a_service_that_is_as_wanted_changes_nothing(tmp_path: Path, host: fakes.FakeHost) -> None:
    found = act(tmp_path)
    assert (found["changed"], found["differs"], found["diff"]) == (False, [], {"before": "", "after": ""})
    assert host.asked == []


def test_one_that_differs_is_fetched_and_left_to_the_tasks_that_change_it(tmp_path: Path, host: fakes.FakeHost) -> None:
    host.found = ServiceState(exists=False, differs=["it is absent"], recreate=True, request={"a": 1})
    found = act(tmp_path)
    assert (found["changed"], found["exists"], found["recreate"], found["request"]) == (False, False, True, {"a": 1})
    assert found["diff"] == {"before": "it is absent\n", "after": "minio as wanted\n"}
    assert host.asked == ["fetch minio:1"]


def test_an_image_that_is_built_here_is_not_fetched(tmp_path: Path, host: fakes.FakeHost) -> None:
    host.found = ServiceState(exists=False, differs=["it is absent"])
    act(tmp_path, built=True)
    assert host.asked == []


def test_check_mode_predicts_the_change_and_fetches_nothing(tmp_path: Path, host: fakes.FakeHost) -> None:
    host.found = ServiceState(exists=False, differs=["it is absent"])
    assert act(tmp_path, check=True)["changed"]
    assert host.asked == []


def test_one_that_is_as_wanted_and_does_not_answer_differs(
    tmp_path: Path, host: fakes.FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "problem", lambda _host, _service: "it is starting")
    assert act(tmp_path)["differs"] == ["minio does not answer: it is starting"]
    assert act(tmp_path, check=True)["differs"] == []
