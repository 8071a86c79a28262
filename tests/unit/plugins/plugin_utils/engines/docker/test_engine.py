from __future__ import annotations

import gc
import io
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker as library
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing of the caller's Docker settings; a socket that stays open fails the test that left it."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    yield
    gc.collect()


def test_files_for_a_container_belong_to_whom_they_should() -> None:
    data = engine.archive({"d/a": b"one", "b": b""}, mode=0o400, uid=7, folder="d", writable=("w",))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {m.name: (m.isdir(), oct(m.mode), m.uid) for m in archive}
        content = archive.extractfile("d/a")
        assert content is not None
        assert content.read() == b"one"
    assert found == {
        "w": (True, "0o777", 7), "d": (True, "0o700", 7), "b": (False, "0o400", 7), "d/a": (False, "0o400", 7),
    }  # fmt: skip
    assert engine.archive({"a": b"1"}) == engine.archive({"a": b"1"})


def test_docker_host_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@there")
    assert engine.host() == "ssh://me@there"


def test_the_worlds_own_engine_wins_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://me@there")
    assert engine.host("tcp://elsewhere:2375") == "tcp://elsewhere:2375"


@pytest.mark.parametrize(
    "address, remote",
    [
        ("unix:///var/run/docker.sock", False),
        ("npipe:////./pipe/docker_engine", False),
        ("tcp://localhost:2375", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://10.0.0.5:2376", True),
        ("ssh://me@host", True),
        ("ssh://localhost:2222", True),
    ],
)
def test_an_engine_of_another_machine_is_known_by_its_address(address: str, remote: bool) -> None:
    assert engine.is_remote(address) is remote
    assert engine.patience(address) == (600 if remote else 10)


def test_a_context_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such-context")
    with pytest.raises(SamerunError, match=r"no-such-context.*docker context ls"):
        engine.host()


@pytest.mark.parametrize(
    "address, message",
    [
        ("tcp://127.0.0.1:1", r"at tcp://127\.0\.0\.1:1 \(DOCKER_HOST\): nothing answers"),
        ("gopher://x", r"at gopher://x \(DOCKER_HOST\): the address is not one of Docker's"),
        ("unix:///no/such.sock", r"at unix:///no/such\.sock \(DOCKER_HOST\): nothing answers"),
    ],
)
def test_no_answer_is_one_line(monkeypatch: pytest.MonkeyPatch, address: str, message: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(SamerunError, match=message):
        engine.connect(timeout=5)


def test_an_address_of_the_world_that_does_not_answer_is_said_to_be_its_own() -> None:
    with pytest.raises(SamerunError, match=r"at tcp://127\.0\.0\.1:1 \(samerun_docker_host\): nothing answers"):
        engine.connect("tcp://127.0.0.1:1", timeout=5)


def test_a_socket_without_permission_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)  # root may use every socket
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/s")
    with pytest.raises(SamerunError, match=r"no permission on its socket.*usermod -aG docker"):
        engine.connect(timeout=5)


def test_what_the_engine_says_becomes_one_line() -> None:
    with (
        pytest.raises(SamerunError, match=r"^Failed to try: the engine says: it is Monday\.$"),
        engine.explained("try"),
    ):
        raise library.errors.APIError("x", explanation="it is\nMonday.")


def test_an_engine_that_goes_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SamerunError, match=r"Failed to try: the Docker engine went away"), engine.explained("try"):
        raise library.errors.DockerException("x")
