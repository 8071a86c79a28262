"""The world's network is made once; check mode only looks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes_docker
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import world_network


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> fakes_docker.FakeDocker:
    return fakes_docker.connected(monkeypatch)


def act(state: Path, *, check: bool = False) -> dict[str, Any]:
    return acting.act(world_network, {"world": samples.world_options(state, "docker")}, check=check).result


def test_it_is_made_with_the_labels_of_the_world_and_only_once(tmp_path: Path, docker: fakes_docker.FakeDocker) -> None:
    assert act(tmp_path) == {"changed": True}
    (made,) = docker.networks.list()
    assert made.attrs["Labels"] == samples.world(tmp_path, "docker").labels
    assert act(tmp_path) == {"changed": False}


def test_check_mode_makes_none(tmp_path: Path, docker: fakes_docker.FakeDocker) -> None:
    assert act(tmp_path, check=True) == {"changed": True}
    assert docker.fake.asked == []
    docker.add("network", name="samerun")
    assert act(tmp_path, check=True) == {"changed": False}
