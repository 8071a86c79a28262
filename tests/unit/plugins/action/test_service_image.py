"""The image of a service is built where the engine has none, and pushed where there is a registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes_docker
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import service_image
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> fakes_docker.FakeDocker:
    return fakes_docker.connected(monkeypatch)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, engine: fakes_docker.FakeDocker) -> list[str]:
    """What was asked of the engine."""
    found: list[str] = []

    def build(_client: Any, image: str, context: dict[str, bytes], arguments: dict[str, str], *_said: Any) -> None:
        found.append(f"build {image} of {sorted(context)} with {arguments['VERSION']}")

    monkeypatch.setattr(images, "build", build)
    monkeypatch.setattr(images, "push", lambda _client, image, _say: found.append(f"push {image}"))
    return found


def act(state: Path, *, check: bool = False, **world: Any) -> dict[str, Any]:
    dockerfile = state / "Dockerfile"
    dockerfile.write_text("FROM scratch\n")
    options = {"world": samples.world_options(state, "docker", **world), "service": samples.service_options()}
    return acting.act(
        service_image, {**options, "dockerfile": str(dockerfile), "args": {"VERSION": "1"}}, check=check
    ).result


def test_an_image_that_is_not_there_is_built(tmp_path: Path, done: list[str]) -> None:
    assert act(tmp_path)["changed"]
    (built,) = done
    assert built.startswith("build minio:1 of ['Dockerfile', ")
    assert built.endswith("with 1")


def test_one_that_is_there_is_left(tmp_path: Path, engine: fakes_docker.FakeDocker, done: list[str]) -> None:
    engine.add("image", name="minio:1")
    assert not act(tmp_path)["changed"]
    assert done == []


def test_a_registry_gets_it_in_any_case(tmp_path: Path, engine: fakes_docker.FakeDocker, done: list[str]) -> None:
    engine.add("image", name="minio:1")
    assert act(tmp_path, registry="registry.example")["changed"]
    assert done == ["push minio:1"]


def test_check_mode_asks_no_engine(tmp_path: Path, done: list[str]) -> None:
    assert act(tmp_path, check=True)["skipped"]
    assert done == []
