"""What the commands do for programs: the same worlds and launches, as values and exceptions."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import fakes
import pytest
import samples

import samerun
from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from samerun import api, plays, worlds
from samerun.interrupts import Cancelled
from samerun.player import Played
from samerun.silent import Silent
from samerun.variables import Variables


class Services:
    """Playbooks about services that were played, each with its variables; `results` are of their tasks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.played: list[tuple[str, str, Variables]] = []
        self.results: list[tuple[str, dict[str, Any]]] = []
        self.cancelled = 0
        monkeypatch.setattr(plays, "services", self.play)

    def play(self, playbook: str, inventory: str, variables: Variables, _watcher: Silent) -> Played:
        self.played.append((playbook, inventory, variables))
        if self.cancelled:
            raise Cancelled(self.cancelled)
        return Played(results=self.results)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    return Services(monkeypatch)


def test_up_returns_where_services_are(services: Services) -> None:
    services.results = [("samerun.stack.world_contract", {"urls": {"mlflow": "http://x:1"}})]
    assert samerun.up(inventory="local", variables={"mlflow_port": 1}) == {"mlflow": "http://x:1"}
    ((playbook, inventory, variables),) = services.played
    assert (playbook, inventory, variables.values) == ("services", "local", {"mlflow_port": 1})


@pytest.mark.parametrize("purge", [False, True])
def test_down_returns_what_was_removed_and_purges_only_if_told(services: Services, purge: bool) -> None:
    services.results = [("samerun.stack.world_teardown", {"removed": ["program minio"]})]
    assert samerun.down(purge=purge) == ["program minio"]
    assert services.played[0][2].literals == {"samerun_purge": purge}


def test_a_signal_during_up_reaches_the_callers_own_handler(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(api, "as_if_unseen", seen.append)
    services.cancelled = signal.SIGTERM
    with pytest.raises(Cancelled):
        samerun.up()
    assert seen == [signal.SIGTERM]


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeTarget:
    """The target of the only world of every inventory."""
    world = samples.world(tmp_path, mlflow={"endpoint": "http://127.0.0.1:1"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(worlds, "load", lambda _inventory, _variables: [world])
    monkeypatch.setattr(worlds, "one", lambda _inventory, _variables: world)
    fakes.host(monkeypatch, world)
    return fakes.target(monkeypatch, world)


def test_a_launch_is_found_by_its_beginning_and_the_newest_by_nothing(target: fakes.FakeTarget) -> None:
    target.add("train-20260101-000000-aaaa")
    target.add("train-20260102-000000-bbbb")
    assert samerun.attach("train-20260101").id == "train-20260101-000000-aaaa"
    assert samerun.attach().id == "train-20260102-000000-bbbb"
    with pytest.raises(SamerunError) as caught:
        samerun.attach("other")
    assert caught.value.code == NO_INPUT


def test_logs_wait_and_cancel_are_those_of_the_launch_that_is_meant(target: fakes.FakeTarget) -> None:
    target.add(state=RunState.FINISHED)
    target.logs[samples.LAUNCH] = b"one\n"
    assert samerun.logs(samples.LAUNCH) == b"one\n"
    assert samerun.wait(samples.LAUNCH, timeout=5).state is RunState.FINISHED
    assert samerun.cancel(samples.LAUNCH).state is RunState.FINISHED, "one that has ended stays as it is"


def test_runs_are_the_newest_first_and_those_that_ended_unwatched_are_settled(target: fakes.FakeTarget) -> None:
    target.add("train-20260101-000000-aaaa", state=RunState.FAILED)
    target.add("train-20260102-000000-bbbb")
    assert [(record.launch[-4:], record.state) for record in samerun.runs()] == [
        ("bbbb", RunState.RUNNING), ("aaaa", RunState.FAILED),
    ]  # fmt: skip


def test_status_has_services_and_launches(target: fakes.FakeTarget) -> None:
    target.add()
    found = samerun.status()
    assert [service.name for service in found.services] == ["mlflow", "minio"]
    assert [service.state for service in found.services] == ["unreachable", "running"]
    assert [record.launch for record in found.running] == [samples.LAUNCH]
