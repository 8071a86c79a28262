from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import ports

HERE = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as server:
        server.bind((HERE, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_not_free_and_its_holder_is_named(taken: int) -> None:
    assert ports.is_free(HERE, taken) is False
    assert f"(pid {os.getpid()})" in ports.holder(taken)
    with socket.socket() as neighbour:
        with contextlib.suppress(OSError):  # the next port may be somebody else's already
            neighbour.bind((HERE, taken + 1))
            neighbour.listen()
        refused = ports.refusal(HERE, taken, "mlflow_port", ports.holder(taken))
    assert f"port {taken}" in refused.message
    named = int(refused.hint.rpartition("mlflow_port=")[2])
    assert named > taken + 1
    assert ports.is_free(HERE, named) is True


def test_a_port_that_was_closed_is_free(taken: int) -> None:
    with socket.create_connection((HERE, taken)):
        assert ports.is_free(HERE, taken) is False
    with socket.socket() as other:
        other.bind((HERE, 0))
        port = other.getsockname()[1]
    assert ports.is_free(HERE, port) is True


def test_the_next_free_port_is_past_the_taken_ones(taken: int) -> None:
    found = ports.next_free(HERE, taken, {taken + 1})
    assert found > taken + 1
    assert ports.is_free(HERE, found)


def test_none_free_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _bind, _port: False)
    with pytest.raises(SamerunError, match=r"9000 to 9049 are all taken"):
        ports.next_free(HERE, 9000, set())


def test_a_foreign_address_is_refused() -> None:
    with pytest.raises(SamerunError, match=r"samerun_bind 192\.0\.2\.1"):
        ports.is_free("192.0.2.1", 9000)
