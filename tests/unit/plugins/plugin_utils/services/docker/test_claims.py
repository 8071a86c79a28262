"""What somebody else has on a Docker engine is named, with the variable that moves ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fakes_docker
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import ports
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker import claims


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> fakes_docker.FakeDocker:
    monkeypatch.setattr(ports, "is_free", lambda _bind, _port: True)
    return fakes_docker.connected(monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "docker")


def claim(docker: fakes_docker.FakeDocker, world: World, **given: Any) -> None:
    claims.claim(docker, world, [samples.claim(**given)])


def test_an_empty_engine_and_what_is_the_worlds_own_are_no_obstacle(
    docker: fakes_docker.FakeDocker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(docker, world)
    docker.add("container", name="minio", labels=world.labels, ports=[9000])
    docker.add("volume", name="minio-data", labels=world.labels)
    docker.add("network", name="samerun", labels=world.labels)
    monkeypatch.setattr(ports, "is_free", lambda _bind, _port: False)  # our own container has the port
    claim(docker, world)


@pytest.mark.parametrize(
    "kind, name, variable",
    [
        ("container", "minio", "object_store_name"),
        ("volume", "minio-data", "object_store_data"),
        ("network", "samerun", "samerun_network"),
    ],
)
def test_a_name_of_another_owner_is_refused(
    docker: fakes_docker.FakeDocker, world: World, kind: str, name: str, variable: str
) -> None:
    docker.add(kind, name=name, labels={**world.labels, "samerun.dev/world": "another"})
    with pytest.raises(SamerunError, match=rf"the name {name}: a {kind} of another owner has it") as caught:
        claim(docker, world)
    assert (caught.value.code, variable in caught.value.hint) == (CANNOT_CREATE, True)


def test_a_folder_of_the_host_is_no_volume_of_anybody(docker: fakes_docker.FakeDocker, world: World) -> None:
    docker.add("volume", name="data")
    claim(docker, world, data="/srv/data")


def test_a_port_that_is_taken_names_the_container_that_has_it(
    docker: fakes_docker.FakeDocker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.add("container", name="other", ports=[9000])
    monkeypatch.setattr(ports, "is_free", lambda _bind, port: port != 9000)
    with pytest.raises(SamerunError, match=r"claim port 9000: container other has it\..*object_store_port=9001"):
        claim(docker, world)


def test_on_another_machine_its_engine_is_asked_and_not_this_host(
    docker: fakes_docker.FakeDocker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "is_remote", lambda _host: True)
    monkeypatch.setattr(ports, "is_free", lambda _bind, _port: pytest.fail("it asked this host"))
    claim(docker, world)
    docker.add("container", name="other", ports=[9000])
    with pytest.raises(SamerunError, match=r"container other has it\..*object_store_port=PORT"):
        claim(docker, world)
