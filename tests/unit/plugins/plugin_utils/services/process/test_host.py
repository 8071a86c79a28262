"""Services as processes: their ports, what differs of them, and their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard, ports
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process.supervisor import Supervisor
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost

SERVICE = samples.service(requirements=["minio-bin"])


class FakeSupervisor(Supervisor):
    """One whose programs are in the states that a test says; it starts at once and never fails."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.states: dict[str, str] = {}
        self.asked: list[str] = []

    def start(self, python: Path) -> None:
        self.asked.append("start")

    def state(self, name: str) -> str:
        return self.states.get(name, "")

    def apply(self, name: str, *, restart: bool) -> None:
        self.asked.append(f"{'restart' if restart else 'apply'} {name}")
        self.states[name] = "RUNNING"

    def shutdown(self) -> bool:
        self.asked.append("shutdown")
        return bool(self.states)


@pytest.fixture
def supervisor(tmp_path: Path) -> FakeSupervisor:
    return FakeSupervisor(tmp_path / "services")


@pytest.fixture
def host(tmp_path: Path, supervisor: FakeSupervisor, monkeypatch: pytest.MonkeyPatch) -> ProcessHost:
    monkeypatch.setattr(guard, "reap", lambda _mark: 0)
    monkeypatch.setattr(venvs, "is_made", lambda _venv: True)
    found = ProcessHost(samples.world(tmp_path))
    found.supervisor = supervisor
    return found


def test_a_port_that_is_taken_moves_to_the_next_free_one(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _bind, port: port > 9001)
    assert host.claim([samples.claim()]) == {"object_store_port": 9002}


def test_a_service_that_runs_keeps_its_port(
    host: ProcessHost, supervisor: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _bind, _port: False)  # it has it itself
    supervisor.states["minio"] = "STARTING"
    assert host.claim([samples.claim()]) == {}


def test_two_services_that_want_one_port_get_two(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _bind, _port: True)
    port = {"name": "http", "port": 9000, "variable": "mlflow_port"}
    assert host.claim([samples.claim(), samples.claim(role="mlflow", name="mlflow", ports=[port])]) == {
        "mlflow_port": 9001
    }


def test_a_service_that_was_applied_is_as_wanted(host: ProcessHost, supervisor: FakeSupervisor) -> None:
    assert host.compare(SERVICE, samples.KEYS.named).differs == [
        "program minio is absent", "program minio is not configured as wanted", "the keys of minio are not the world's",
    ]  # fmt: skip
    host.deliver(SERVICE, samples.KEYS.named)
    assert host.apply(SERVICE, restart=False)
    assert host.compare(SERVICE, samples.KEYS.named).differs == []
    assert not host.apply(SERVICE, restart=False), "nothing is left to change"
    assert supervisor.asked == ["start", "apply minio"] * 2


def test_another_command_and_a_lost_environment_differ(host: ProcessHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.apply(SERVICE, restart=False)
    monkeypatch.setattr(venvs, "is_made", lambda _venv: False)
    other = samples.service(requirements=["minio-bin"], command=["other"])
    assert host.compare(other, None).differs == [
        "the Python environment of minio is absent", "program minio is not configured as wanted",
    ]  # fmt: skip


def test_a_restart_is_a_change(host: ProcessHost) -> None:
    host.apply(SERVICE, restart=False)
    assert host.apply(SERVICE, restart=True)


@pytest.mark.parametrize(
    "state, word", [("RUNNING", "running"), ("BACKOFF", "starting"), ("", "absent"), ("FATAL", "stopped")]
)
def test_the_state_of_a_service_is_one_word(
    host: ProcessHost, supervisor: FakeSupervisor, state: str, word: str
) -> None:
    supervisor.states["minio"] = state
    assert host.running("object_store", "minio", "") == word


def test_last_words_are_those_since_the_last_start(host: ProcessHost, tmp_path: Path) -> None:
    assert host.last_words(SERVICE) == ""
    log = tmp_path / "services" / "minio.log"
    files.write_private(log, b"of the day before\n")
    host.apply(SERVICE, restart=False)
    with log.open("ab") as more:
        more.write(b"of today\n")
    assert host.last_words(SERVICE) == "of today"
    log.write_bytes(b"new\n")  # supervisord began another file
    assert host.last_words(SERVICE) == "new"


def test_data_is_in_the_worlds_folder_unless_it_is_named(host: ProcessHost, tmp_path: Path) -> None:
    assert host.places(SERVICE).data == str(tmp_path / "services" / "minio" / "data")
    assert host.places(samples.service(data="~/data")).data == str(Path.home() / "data")


def test_a_teardown_takes_programs_and_keys_and_leaves_data(host: ProcessHost, tmp_path: Path) -> None:
    host.deliver(SERVICE, samples.KEYS.named)
    host.apply(SERVICE, restart=False)
    assert host.teardown(purge=True).removed == ["program minio"]
    assert [path.name for path in (tmp_path / "services" / "minio").iterdir()] == ["data"]
    assert host.teardown(purge=True).removed == []
