"""What samerun did not make is not removed with what it made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import engines
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import namespace
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker.host import DockerHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes.host import KubernetesHost

_NAME = f"purged{worlds.SLOT}"
_PLACES = {kind: f"{_NAME}-{kind}" for kind in ("monitoring", "storage", "training")}
_SPECS: dict[str, dict[str, Any]] = {
    "PersistentVolumeClaim": {
        "apiVersion": "v1", "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    },
    "Secret": {"apiVersion": "v1"},
    "Job": {
        "apiVersion": "batch/v1",
        "spec": {"suspend": True, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "a", "image": "none.invalid/a"}],
        }}},
    },
}  # fmt: skip


def made(target: str, folder: Path, name: str = _NAME) -> World:
    """A world of which nothing is up."""
    if reason := worlds.missing(target):
        pytest.skip(reason)
    mlflow = Endpoint("MLflow", "mlflow", target, "mlflow", 5000, namespace=_PLACES["monitoring"])
    store = Endpoint("the S3 store", "object_store", target, "minio", 9000, namespace=_PLACES["storage"])
    return World(
        name, target, folder, {"object_store": store, "mlflow": mlflow}, "b", "r", "", "", kubeconfig=worlds.KUBECONFIG,
        training_namespace=_PLACES["training"],
    )  # fmt: skip


@pytest.fixture
def host(tmp_path: Path) -> Iterator[KubernetesHost]:
    """Of a world whose namespaces are there, each with a Secret of its own."""
    found = KubernetesHost(made("kubernetes", tmp_path))
    for place in _PLACES.values():
        found.cluster.create(namespace(place, found.world.labels))
        put(found, "Secret", "ours", place, found.world.labels)
    yield found
    for place in _PLACES.values():
        found.cluster.delete("Namespace", place)


def put(host: KubernetesHost, kind: str, name: str, place: str, labels: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": place, "labels": labels}
    host.cluster.create({**_SPECS[kind], "kind": kind, "metadata": metadata})


@pytest.mark.kubernetes
def test_a_namespace_goes_only_with_nothing_of_anybody_else_in_it(host: KubernetesHost) -> None:
    other = made("kubernetes", host.world.state, "another").labels
    training, storage, monitoring = _PLACES["training"], _PLACES["storage"], _PLACES["monitoring"]
    put(host, "PersistentVolumeClaim", "checkpoints", training, {})
    put(host, "Job", "training-job-of-another", training, other)
    host.cluster.merge("Namespace", "", storage, {"metadata": {"labels": other}})
    done = host.teardown(purge=True)
    assert sorted(done.removed) == [*(f"Secret {place}/ours" for place in sorted(_PLACES.values())),
                                    f"namespace {monitoring}"]  # fmt: skip
    (line,) = done.kept
    assert line.startswith(f"namespace {training}, which holds what is not this world's: ")
    assert "PersistentVolumeClaim checkpoints" in line
    assert "Job training-job-of-another" in line
    assert host.cluster.get("PersistentVolumeClaim", "checkpoints", training)
    assert host.cluster.get("Job", "training-job-of-another", training)
    assert host.cluster.get("Namespace", storage), "it carries another world's label"
    assert host.cluster.get("Secret", "ours", training) is None

    host.cluster.delete("PersistentVolumeClaim", "checkpoints", training)
    host.cluster.delete("Job", "training-job-of-another", training)
    engines.wait_until(lambda: host.cluster.get("PersistentVolumeClaim", "checkpoints", training) is None, "it is gone")
    assert host.teardown(purge=True).removed == [f"namespace {training}"]
    assert host.cluster.get("Namespace", training) is None


@pytest.mark.docker
def test_a_network_and_a_volume_go_only_if_nobody_else_uses_them(tmp_path: Path) -> None:
    world = made("docker", tmp_path)
    host = host_of(world)
    assert isinstance(host, DockerHost)
    client, image = host.client, next(tag for image in host.client.images.list() for tag in image.tags)
    with contextlib.ExitStack() as stack:
        for collection in (client.networks, client.volumes):
            one = collection.create(_NAME, labels=world.labels)
            stack.callback(lambda one=one: _forgotten(one))
        theirs = client.containers.create(image, ["true"], network=_NAME, volumes=[f"{_NAME}:/data"])
        stack.callback(lambda: theirs.remove(force=True))
        done = host.teardown(purge=True)
        assert f"volume {_NAME}, which the container {theirs.name} of somebody else uses" in done.kept
        assert client.volumes.get(_NAME)
        theirs.remove(force=True)
        stack.pop_all()
        again = host.teardown(purge=True)
        assert {f"volume {_NAME}", f"network {_NAME}"} <= {*done.removed, *again.removed}
        assert again.kept == []


def _forgotten(one: Any) -> None:
    with contextlib.suppress(Exception):
        one.remove()
