"""Services as containers: compared, given their keys, and removed with what is theirs."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker as library
import fakes_docker
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker.host import DockerHost

SERVICE = samples.service()


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> fakes_docker.FakeDocker:
    return fakes_docker.connected(monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "docker")


@pytest.fixture
def host(docker: fakes_docker.FakeDocker, world: World) -> DockerHost:
    return DockerHost(world)


@pytest.fixture
def up(docker: fakes_docker.FakeDocker, host: DockerHost, world: World) -> dict[str, Any]:
    """The service as wanted, with its keys."""
    made = docker.add("container", name="minio", labels=world.labels)
    docker.add("image", name="minio:1")
    host.deliver(SERVICE, samples.KEYS.named)
    host.remember(SERVICE)
    return made


def differs(host: DockerHost) -> list[str]:
    return host.compare(SERVICE, samples.KEYS.named).differs


def test_a_service_that_is_not_there_is_absent(host: DockerHost) -> None:
    state = host.compare(SERVICE, samples.KEYS.named)
    assert (state.exists, state.differs, state.recreate) == (False, ["container minio is absent"], False)
    assert state.request["image_missing"]


def test_a_service_that_is_as_it_was_remembered_does_not_differ(host: DockerHost, up: dict[str, Any]) -> None:
    state = host.compare(SERVICE, samples.KEYS.named)
    assert (state.exists, state.differs, state.request["image_missing"]) == (True, [], False)


def test_an_edit_by_hand_is_seen_and_only_a_new_container_mends_it(host: DockerHost, up: dict[str, Any]) -> None:
    up["HostConfig"]["Memory"] = 1
    state = host.compare(SERVICE, samples.KEYS.named)
    assert (state.differs, state.recreate) == (["container minio was changed by hand"], True)


def test_what_is_wanted_now_is_told_from_what_was(host: DockerHost, up: dict[str, Any]) -> None:
    state = host.compare(samples.service(command=["other"]), samples.KEYS.named)
    assert (state.differs, state.recreate) == (["container minio is not what is wanted now"], False)


def test_a_container_that_stopped_and_other_keys_differ(
    host: DockerHost, up: dict[str, Any], docker: fakes_docker.FakeDocker
) -> None:
    up["State"]["Status"] = "exited"
    docker.fake.files["/run/samerun/keys"] = b"others"
    assert differs(host) == ["container minio is exited", "the keys in container minio are not the world's"]


def test_keys_are_copied_in_for_their_user_alone_and_only_once(
    host: DockerHost, docker: fakes_docker.FakeDocker
) -> None:
    docker.add("container", name="minio", config={"User": "1000:1000", "Labels": {}})
    assert [host.deliver(SERVICE, samples.KEYS.named) for _ in range(2)] == [True, False]
    assert docker.fake.files["/run/samerun/keys"] == b"the access key:the secret key"


@pytest.mark.parametrize(
    "status, health, state",
    [
        ("running", "healthy", "running"), ("running", "starting", "running"), ("running", "unhealthy", "starting"),
        ("exited", "healthy", "stopped"),
    ],
)  # fmt: skip
def test_the_state_of_a_service_is_one_word(
    host: DockerHost, docker: fakes_docker.FakeDocker, world: World, status: str, health: str, state: str
) -> None:
    docker.add("container", name="minio", labels=world.labels, status=status, Health={"Status": health})
    assert host.running("object_store", "minio", "") == state


def test_a_container_of_somebody_else_is_no_service_of_ours(host: DockerHost, docker: fakes_docker.FakeDocker) -> None:
    docker.add("container", name="minio")
    assert host.running("object_store", "minio", "") == "absent"


def test_only_an_image_that_is_missing_is_pulled(
    host: DockerHost, docker: fakes_docker.FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str] = []
    monkeypatch.setattr(images, "pull", lambda _client, image: pulled.append(image))
    host.fetch(SERVICE)
    docker.add("image", name="minio:1")
    host.fetch(SERVICE)
    assert pulled == ["minio:1"]


@pytest.mark.parametrize("purge", [False, True])
def test_only_what_is_the_worlds_own_is_removed_and_data_by_a_purge_alone(
    host: DockerHost, docker: fakes_docker.FakeDocker, world: World, purge: bool
) -> None:
    for name, labels in (("ours", world.labels), ("foreign", {})):
        for kind in ("container", "network", "volume"):
            docker.add(kind, name=name, labels=labels)
    assert host.teardown(purge=purge).removed == [
        "container ours", "network ours", *(["volume ours"] if purge else []),
    ]  # fmt: skip
    assert [one.name for one in docker.containers.list(all=True)] == ["foreign"]


def test_a_network_that_somebody_uses_stays_and_is_told(
    host: DockerHost, docker: fakes_docker.FakeDocker, world: World
) -> None:
    docker.add("network", name="samerun", labels=world.labels)
    docker.fake.refuses["remove_network"] = fakes_docker.refusal(HTTPStatus.FORBIDDEN, "it has active endpoints")
    with pytest.raises(SamerunError, match="active endpoints"):
        host.teardown(purge=False)
    docker.add("container", name="theirs", config={"Uses": ["samerun"], "Labels": {}})
    assert host.teardown(purge=False).kept == ["network samerun, which the container theirs of somebody else uses"]


def test_services_on_another_machine_need_an_address_that_this_one_reaches(
    tmp_path: Path, docker: fakes_docker.FakeDocker
) -> None:
    address = "tcp://10.0.0.7:2376"
    with pytest.raises(SamerunError, match=r"samerun_bind is 127\.0\.0\.1, and with the engine at tcp") as caught:
        DockerHost(samples.world(tmp_path, "docker", docker_host=address)).check()
    assert caught.value.code == CONFIG
    DockerHost(samples.world(tmp_path, "docker", docker_host=address, bind="10.0.0.7")).check()


def test_last_words_are_those_since_the_last_start(host: DockerHost, docker: fakes_docker.FakeDocker) -> None:
    made = docker.add("container", name="minio")
    docker.fake.said = b"it ended\n"
    assert host.last_words(SERVICE) == "it ended"
    made["State"]["StartedAt"] = "0001-01-01T00:00:00Z"
    assert host.last_words(SERVICE) == "", "it never started"


def test_what_the_engine_refuses_is_one_line(host: DockerHost, docker: fakes_docker.FakeDocker, world: World) -> None:
    docker.add("container", name="minio", labels=world.labels)
    docker.fake.refuses["remove"] = library.errors.APIError("500 Server Error", explanation="it is busy")
    with pytest.raises(SamerunError, match="Failed to remove the world's containers: the engine says: it is busy"):
        host.teardown(purge=False)
