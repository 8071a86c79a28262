"""A network is made exactly once, also where two make it at the same moment."""

from __future__ import annotations

from http import HTTPStatus

import docker as library
import fakes_docker
import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import networks


@pytest.fixture
def docker() -> fakes_docker.FakeDocker:
    return fakes_docker.FakeDocker()


def test_a_network_is_made_once(docker: fakes_docker.FakeDocker) -> None:
    assert [networks.ensure(docker, "samerun", {"a": "b"}) for _ in range(2)] == [True, False]
    assert docker.fake.asked == ["create_network samerun"]


def test_one_whose_name_only_holds_this_one_is_another(docker: fakes_docker.FakeDocker) -> None:
    docker.add("network", name="samerun-other")
    assert not networks.is_there(docker, "samerun")


def test_of_two_that_are_made_at_once_the_older_one_stays(
    docker: fakes_docker.FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody saw it when ours was asked for.
    monkeypatch.setattr(networks, "is_there", lambda _client, _name: False)
    docker.add("network", name="samerun", key="the first")
    assert not networks.ensure(docker, "samerun", {})
    assert [found.id for found in networks.named(docker, "samerun")] == ["the first"]


def test_an_engine_that_refuses_a_second_one_has_one(docker: fakes_docker.FakeDocker) -> None:
    docker.fake.refuses["create_network"] = fakes_docker.refusal(HTTPStatus.CONFLICT, "it exists")
    assert not networks.ensure(docker, "samerun", {})
    docker.fake.refuses["create_network"] = fakes_docker.refusal(HTTPStatus.FORBIDDEN, "no pool left")
    with pytest.raises(library.errors.APIError):
        networks.ensure(docker, "samerun", {})


@pytest.mark.parametrize("name", ["bridge", "host", "none"])
def test_what_every_engine_has_is_not_made(docker: fakes_docker.FakeDocker, name: str) -> None:
    assert not networks.ensure(docker, name, {})
