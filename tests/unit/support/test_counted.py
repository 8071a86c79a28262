"""A test whose engine is not there is skipped with what to do, and nothing asks that engine first."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import counted
import counting
import machines
import pytest
import worlds


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The markers with which the counter was told to look at engines; nothing of this machine is named."""
    found: list[set[str]] = []
    monkeypatch.setattr(counting, "use", found.append)
    monkeypatch.setattr(machines, "docker_client", lambda: pytest.fail("the engine was asked"))
    monkeypatch.setattr(worlds, "_KUBERNETES", dict.fromkeys(worlds._KUBERNETES, ""))
    return found


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What was found out about engines counts for one test."""
    for known in (worlds._no_docker, worlds._no_cluster):
        known.cache_clear()
    yield
    for known in (worlds._no_docker, worlds._no_cluster):
        known.cache_clear()


def item(*markers: str) -> Any:
    return SimpleNamespace(iter_markers=lambda: [SimpleNamespace(name=name) for name in markers])


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of a socket at which nobody listens any more."""
    with tempfile.TemporaryDirectory(prefix="deaf-") as folder:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(f"{folder}/docker.sock")
        yield f"unix://{folder}/docker.sock"


@pytest.mark.parametrize("markers", [("docker",), ("molecule", "docker"), ("process", "kubernetes")])
def test_a_test_is_skipped_before_its_engine_is_asked(
    asked: list[set[str]], monkeypatch: pytest.MonkeyPatch, markers: tuple[str, ...]
) -> None:
    monkeypatch.setattr(worlds, "_no_docker", lambda: "needs a Docker engine: start it")
    with pytest.raises(pytest.skip.Exception, match="needs a "):
        counted.pytest_runtest_setup(item(*markers))
    assert asked == []


def test_a_test_that_needs_no_engine_and_one_whose_engine_answers_are_counted(
    asked: list[set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "_no_docker", lambda: "")
    counted.pytest_runtest_setup(item("process"))
    counted.pytest_runtest_setup(item("docker"))
    assert asked == [{"process"}, {"docker"}]


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("ending", ["", "-that-is-not-there"])
def test_a_socket_at_which_nobody_listens_is_no_engine(deaf: str, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", deaf + ending)
    assert worlds.no_engine("docker").startswith(
        f"needs a Docker engine: Failed to talk to the Docker engine at {deaf}"
    )


@pytest.mark.usefixtures("forgotten")
def test_a_cluster_that_is_not_named_or_does_not_answer_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "_KUBERNETES", {"SAMERUN_TEST_REGISTRY": ""})
    assert worlds.no_engine("kubernetes").endswith("set SAMERUN_TEST_REGISTRY")
    worlds._no_cluster.cache_clear()
    kubeconfig = tmp_path / "kubeconfig"
    named = {
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "a", "user": {}}],
    }  # fmt: skip
    kubeconfig.write_text(json.dumps(named))
    monkeypatch.setattr(worlds, "_KUBERNETES", {"SAMERUN_TEST_REGISTRY": "set"})
    monkeypatch.setattr(worlds, "KUBECONFIG", str(kubeconfig))
    assert worlds.no_engine("kubernetes").startswith("needs a cluster: Failed to talk to the cluster")
