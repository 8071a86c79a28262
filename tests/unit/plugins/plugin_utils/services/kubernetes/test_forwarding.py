"""The kept port-forward of a world is started once and follows the world's ports."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import port_forward
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard, ports
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import forwarding


class Forwards:
    """What was started and ended.

    Attributes:
        wanted: what each start was asked for.
        environ: of the last one.
        problem: why none starts, if none does.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wanted: list[Mapping[str, Any]] = []
        self.environ: Mapping[str, str] = {}
        self.problem = ""
        self.ended: list[str] = []
        monkeypatch.setattr(port_forward, "start", self.start)
        monkeypatch.setattr(guard, "reap", self.ended.append)
        monkeypatch.setattr(ports, "is_free", lambda _host, _port: True)

    def start(self, wanted: Mapping[str, Any], _log: Path, environ: Mapping[str, str]) -> str:
        self.wanted.append(wanted)
        self.environ = environ
        return self.problem


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> Forwards:
    return Forwards(monkeypatch)


def world(state: Path, **given: Any) -> World:
    return samples.world(state, "kubernetes", port_forward=True, **given)


@contextlib.contextmanager
def running(state: Path) -> Iterator[None]:
    """As long as it is entered, the forward lives."""
    with files.locked(state / "forward" / port_forward.LOCK):
        yield


def test_it_forwards_the_worlds_own_services(tmp_path: Path, forwards: Forwards) -> None:
    forwarding.ensure(world(tmp_path))
    (wanted,) = forwards.wanted
    assert [(row["local"], row["namespace"], row["service"]) for row in wanted["ports"]] == [
        (5000, "monitoring", "mlflow"),
        (9000, "storage", "minio"),
    ]
    assert forwards.environ[guard.MARK] == str(tmp_path / "forward"), "a teardown finds it by that"
    forwarding.ensure(world(tmp_path / "other", mlflow={"endpoint": "http://there:5000"}))
    assert [row["service"] for row in forwards.wanted[-1]["ports"]] == ["minio"]


def test_one_that_runs_stays_as_it_is_unless_a_port_moved(tmp_path: Path, forwards: Forwards) -> None:
    forwarding.ensure(world(tmp_path))
    with running(tmp_path):
        forwarding.ensure(world(tmp_path))
        assert len(forwards.wanted) == 1
        forwarding.ensure(world(tmp_path, mlflow={"port": 5001}))
    assert len(forwards.wanted) == 2
    assert forwards.ended == [str(tmp_path / "forward")]


def test_a_port_of_another_program_is_refused(
    tmp_path: Path, forwards: Forwards, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _host, port: port != 9000)
    with pytest.raises(SamerunError, match=r"forward port 9000.*object_store_port=N") as caught:
        forwarding.ensure(world(tmp_path))
    assert (caught.value.code, forwards.wanted) == (CANNOT_CREATE, [])


def test_one_that_does_not_start_says_why(tmp_path: Path, forwards: Forwards) -> None:
    forwards.problem = "ConfigException: no such context"
    with pytest.raises(SamerunError, match="services of world w: ConfigException: no such context"):
        forwarding.ensure(world(tmp_path))


def test_its_end_leaves_nothing(tmp_path: Path, forwards: Forwards) -> None:
    forwarding.ensure(world(tmp_path))
    forwarding.stop(world(tmp_path))
    assert not (tmp_path / "forward").exists()
    assert forwards.ended == [str(tmp_path / "forward")]
