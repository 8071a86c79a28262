"""The end of a world in a cluster takes nothing of anybody else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import fakes_cluster
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import namespaces
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import Teardown
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import teardown


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "kubernetes")


@pytest.fixture
def cluster(world: World, monkeypatch: pytest.MonkeyPatch) -> fakes_cluster.FakeCluster:
    """Each namespace of the world with what it made there, and a foreign Service."""
    monkeypatch.setattr(namespaces, "foreign", lambda _cluster, _namespace, _world: [])
    made = fakes_cluster.FakeCluster()
    for place in ("monitoring", "storage", "training"):
        made.add(thing("Namespace", place, "", world.labels))
    made.add(thing("Deployment", "minio", "storage", world.labels))
    made.add(thing("PersistentVolumeClaim", "minio-data", "storage", world.labels))
    made.add(thing("Secret", "minio-keys", "storage", world.labels))
    made.add(thing("Service", "theirs", "storage", {}))
    return made


def thing(kind: str, name: str, namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels, **({"namespace": namespace} if namespace else {})}
    return {"kind": kind, "metadata": metadata}


def torn_down(cluster: fakes_cluster.FakeCluster, world: World, *, purge: bool) -> Teardown:
    return teardown.teardown(cluster, world, ["minio-keys"], purge=purge)


def test_services_go_and_data_and_keys_stay(cluster: fakes_cluster.FakeCluster, world: World) -> None:
    assert torn_down(cluster, world, purge=False).removed == ["Deployment storage/minio"]
    assert {"Secret minio-keys", "PersistentVolumeClaim minio-data", "Service theirs"} <= set(cluster.kinds())


def test_a_purge_takes_data_keys_and_the_namespaces_that_the_world_made(
    cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    removed = torn_down(cluster, world, purge=True).removed
    assert {"Secret storage/minio-keys", "PersistentVolumeClaim storage/minio-data"} <= set(removed)
    assert removed[-3:] == ["namespace monitoring", "namespace storage", "namespace training"]


def test_a_namespace_that_was_there_before_stays(cluster: fakes_cluster.FakeCluster, world: World) -> None:
    cluster.add(thing("Namespace", "training", "", {}))
    assert "namespace training" not in torn_down(cluster, world, purge=True).removed


def test_a_namespace_that_somebody_uses_stays_and_says_what_for(
    cluster: fakes_cluster.FakeCluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [f"Secret theirs-{number}" for number in range(5)]
    monkeypatch.setattr(
        namespaces, "foreign", lambda _cluster, namespace, _world: others if namespace == "storage" else []
    )
    done = torn_down(cluster, world, purge=True)
    assert done.kept == [
        "namespace storage, which holds what is not this world's: Secret theirs-0, Secret theirs-1, Secret theirs-2 "
        "and 2 more"
    ]
    assert "namespace storage" not in done.removed


def test_whoever_may_not_look_at_namespaces_removes_none(cluster: fakes_cluster.FakeCluster, world: World) -> None:
    for place in ("monitoring", "storage", "training"):
        cluster.fake.refuses["GET", f"namespaces/{place}"] = ApiError(403, "forbidden")
    removed = torn_down(cluster, world, purge=True).removed
    assert "Deployment storage/minio" in removed
    assert [line for line in removed if line.startswith("namespace")] == []


def test_a_namespace_that_lingers_is_not_waited_for_without_end(
    cluster: fakes_cluster.FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    teardown._wait_until_gone(cluster, ["storage"])
    assert now[0] == 90
