"""What a test leaves in an engine or in MLflow is found and named, and what is another program's is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import machines
import pytest
import trackers
import worlds
from counting import Counter, Kept
from counting_engines import ClusterObjects, DockerObjects, OpenRuns

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import LAUNCH_TAG, Tracking

OURS = {"app.kubernetes.io/managed-by": "samerun", "samerun.dev/world": "mine"}
OF_A_LAUNCH = {**OURS, "samerun.dev/launch": "lost-1"}
MINE = Kept("mine", Path("unused"), lambda: Tracking("http://127.0.0.1:1"))


class Engine:
    """A Docker client, and a cluster, as far as they are asked; each lists what it was given."""

    def __init__(self) -> None:
        self.api = self
        self.held: list[tuple[str, str, dict[str, str]]] = []

    def _named(self, wanted: str) -> list[tuple[str, dict[str, str]]]:
        return [(name, labels) for kind, name, labels in self.held if kind == wanted]

    def containers(self, **_options: Any) -> list[Any]:
        return [{"Names": [f"/{n}"], "State": "exited", "Labels": labels} for n, labels in self._named("container")]

    def volumes(self, **_options: Any) -> dict[str, Any]:
        return {"Volumes": [{"Name": name, "Labels": labels} for name, labels in self._named("volume")] or None}

    def networks(self, **_options: Any) -> list[Any]:
        return [{"Name": name, "Labels": labels} for name, labels in self._named("network")]

    def items(self, path: str) -> list[Any]:
        kind, _, label = path.rpartition("/v1/")[2].partition("?labelSelector=")
        return [
            {"metadata": {"name": name, "namespace": "there", "uid": f"{kind}-{name}", "labels": labels}}
            for name, labels in self._named(kind)
            if label.partition("=")[0] in labels
        ]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine()
    monkeypatch.setattr(machines, "docker_client", lambda: found)
    monkeypatch.setattr(machines, "cluster", lambda: found)
    monkeypatch.setattr(worlds, "KUBECONFIG", "set")
    monkeypatch.setattr(worlds, "SLOT", 3)
    return found


@pytest.fixture
def counter(engine: Engine) -> Counter:
    found = Counter([DockerObjects(), ClusterObjects()])
    found.use({"docker", "kubernetes"})
    found.begin()
    return found


@pytest.mark.parametrize(
    "kind, name", [("container", "container a (exited)"), ("volume", "volume a"), ("network", "network a")]
)
def test_what_is_left_in_docker_is_named(counter: Counter, engine: Engine, kind: str, name: str) -> None:
    engine.held.append((kind, "a", OURS))
    assert counter.left(0) == [name]


@pytest.mark.parametrize(
    "kind, name",
    [
        ("configmaps", "ConfigMap"),
        ("deployments", "Deployment"),
        ("jobs", "Job"),
        ("pods", "Pod"),
        ("secrets", "Secret"),
    ],
)
def test_what_is_left_in_the_cluster_is_named(counter: Counter, engine: Engine, kind: str, name: str) -> None:
    engine.held.append((kind, "a", OF_A_LAUNCH))
    assert counter.left(0) == [f"{name} there/a of world mine"]


def test_of_a_world_that_is_kept_only_launches_are_left(counter: Counter, engine: Engine) -> None:
    counter.keep(MINE)
    engine.held += [("container", "mlflow", OURS), ("secrets", "keys", OURS), ("container", "run", OF_A_LAUNCH)]
    assert counter.left(0) == ["container run (exited)"]


@pytest.mark.parametrize("world, theirs", [("conf-docker", True), ("conf2-k8s", True), ("ssh3", False), ("api", False)])
def test_what_belongs_to_another_slot_is_theirs(counter: Counter, engine: Engine, world: str, theirs: bool) -> None:
    engine.held.append(("container", "a", {**OF_A_LAUNCH, "samerun.dev/world": world}))
    assert (counter.left(0) == []) is theirs


def test_an_engine_is_asked_only_once_its_tests_are_met(engine: Engine) -> None:
    counter = Counter([DockerObjects(), ClusterObjects()])
    counter.begin()
    engine.held.append(("container", "before", OURS))
    assert counter.left(0) == []
    counter.use({"docker"})
    engine.held += [("container", "a", OURS), ("pods", "a", OF_A_LAUNCH)]
    assert counter.left(0) == ["container a (exited)"]


def test_a_run_that_stays_running_is_found_until_it_ends() -> None:
    counter = Counter([OpenRuns()])
    with trackers.tracker() as server:
        counter.keep(Kept("mine", Path("unused"), lambda: Tracking(server.url)))
        counter.begin()
        run = trackers.run("r1", "RUNNING")
        run["data"]["tags"].append({"key": LAUNCH_TAG, "value": "lost-1"})
        server.runs.append(run)
        assert counter.left(0) == ["RUNNING run r1 of launch lost-1 in world mine"]
        server.runs.clear()
        assert counter.left(0) == []


def test_an_mlflow_that_stays_away_is_found() -> None:
    counter = Counter([OpenRuns()])
    counter.begin()
    counter.keep(MINE)
    (left,) = counter.left(0)
    assert left.startswith("MLflow of world mine that does not answer: ")
