"""A Docker engine whose disk is full says so of a build, of a pull and of a run, and works again once it is not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dockerds
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, images

pytestmark = pytest.mark.docker
SMALL = {"Dockerfile": b"FROM scratch\nCOPY small /small\n", "small": b"x"}
LARGE = {"Dockerfile": b"FROM scratch\nCOPY large /large\n", "large": bytes(60_000_000)}


@pytest.fixture(scope="module")
def small() -> Iterator[dockerds.Dockerd]:
    if reason := worlds.missing("docker") or dockerds.missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="dd-"))  # a socket's name must be short
    try:
        with dockerds.dockerd(folder, 40) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def client(small: dockerds.Dockerd) -> Iterator[Any]:
    found = engine.connect(small.url)
    yield found
    found.close()


def built(client: Any, name: str, context: dict[str, bytes]) -> str:
    return images.ensure_built(client, name, context, {}, "", lambda _line: None)


def test_a_full_disk_is_named_and_nothing_is_left(small: dockerds.Dockerd, client: Any) -> None:
    with pytest.raises(
        SamerunError, match=r"^Failed to build the image large: the engine's disk is full \(.*"
    ) as caught:
        built(client, "large", LARGE)
    assert "docker system df" in caught.value.hint
    built(client, "small", SMALL)
    assert [tag for image in client.images.list(all=True) for tag in image.tags] == ["small:latest"]

    filler = small.fill()
    with (
        pytest.raises(SamerunError, match=r"^Failed to start it: the engine's disk is full"),
        engine.explained("start it"),
    ):
        client.api.create_container_from_config({"Image": "small", "Cmd": ["x"]}, "made")
    assert client.containers.list(all=True) == []
    filler.unlink()
    client.api.create_container_from_config({"Image": "small", "Cmd": ["x"]}, "made")
    client.containers.get("made").remove()
