"""Services as Deployments: compared with what the cluster has, never over what is somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fakes_cluster
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.kubeconfig import Context
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import objects
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes.host import KubernetesHost

SERVICE = samples.service()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "kubernetes")


@pytest.fixture
def cluster() -> fakes_cluster.FakeCluster:
    return fakes_cluster.FakeCluster()


@pytest.fixture
def host(world: World, cluster: fakes_cluster.FakeCluster) -> KubernetesHost:
    found = KubernetesHost(world)
    found.__dict__["cluster"] = cluster
    return found


@pytest.fixture
def up(host: KubernetesHost, cluster: fakes_cluster.FakeCluster, world: World) -> dict[str, Any]:
    """The service as wanted, with its keys, ready; its Deployment."""
    host.deliver(SERVICE, samples.KEYS.named)
    for one in objects.objects(SERVICE, world):
        cluster.add(one)
    deployment = cluster.fake.kept["apis/apps/v1/namespaces/storage/deployments/minio"]
    deployment["status"] = {"observedGeneration": 1, "updatedReplicas": 1, "readyReplicas": 1}
    return deployment


def test_a_service_that_is_not_there_asks_for_its_namespace_and_objects(host: KubernetesHost) -> None:
    state = host.compare(SERVICE, samples.KEYS.named)
    assert not state.exists
    assert state.differs[0] == "namespace storage is absent"
    assert "Deployment storage/minio is absent" in state.differs
    assert [one["kind"] for one in state.request["objects"]] == [
        "Namespace", "PersistentVolumeClaim", "Service", "Deployment",
    ]  # fmt: skip


def test_a_service_that_is_as_wanted_asks_for_nothing(host: KubernetesHost, up: dict[str, Any]) -> None:
    state = host.compare(SERVICE, samples.KEYS.named)
    assert (state.exists, state.differs, state.request["objects"]) == (True, [], [])


def test_an_edit_by_hand_is_seen(host: KubernetesHost, up: dict[str, Any]) -> None:
    up["spec"]["replicas"] = 0
    state = host.compare(SERVICE, samples.KEYS.named)
    assert state.differs == ["Deployment storage/minio is not what is wanted"]
    assert [one["kind"] for one in state.request["objects"]] == ["Deployment"]


def test_other_keys_and_a_pod_that_is_not_ready_differ(host: KubernetesHost, up: dict[str, Any]) -> None:
    assert host.compare(SERVICE, samples.PAIR.named).differs == []
    others = Credentials("another", "pair")
    assert host.compare(SERVICE, others.named).differs == ["the keys of minio are not the world's"]
    up["status"]["readyReplicas"] = 0
    assert host.compare(SERVICE, samples.KEYS.named).differs == ["Deployment minio is not ready"]


def test_new_keys_restart_what_has_read_the_old_ones(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster, up: dict[str, Any]
) -> None:
    assert not host.deliver(SERVICE, samples.KEYS.named)
    assert host.deliver(SERVICE, Credentials("another", "pair").named)
    changed = cluster.get("Deployment", "minio", "storage")
    assert changed is not None
    assert "samerun.dev/restarted-at" in changed["spec"]["template"]["metadata"]["annotations"]


@pytest.mark.parametrize(
    "change, state",
    [
        ({}, "running"),
        ({"readyReplicas": 0}, "starting"),
        ({"observedGeneration": 0}, "starting"),
    ],
    ids=["ready", "not ready", "not seen by its controller yet"],
)
def test_the_state_of_a_service_is_one_word(
    host: KubernetesHost, up: dict[str, Any], change: dict[str, int], state: str
) -> None:
    up["status"] |= change
    assert host.running("object_store", "minio", "storage") == state


def test_one_of_nobody_is_absent_and_one_of_no_pods_stopped(host: KubernetesHost, up: dict[str, Any]) -> None:
    up["spec"]["replicas"] = 0
    assert host.running("object_store", "minio", "storage") == "stopped"
    up["metadata"]["labels"] = {}
    assert host.running("object_store", "minio", "storage") == "absent"
    assert host.running("object_store", "none", "storage") == "absent"


@pytest.mark.parametrize(
    "kind, name, variable",
    [
        ("Deployment", "minio", "object_store_name"),
        ("Service", "minio", "object_store_name"),
        ("PersistentVolumeClaim", "minio-data", "object_store_data"),
    ],
)
def test_an_object_of_another_owner_is_refused(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster, kind: str, name: str, variable: str
) -> None:
    cluster.add({"kind": kind, "metadata": {"name": name, "namespace": "storage"}, "spec": {}})
    with pytest.raises(SamerunError, match=f"claim the {kind} storage/{name}") as caught:
        host.claim([samples.claim()])
    assert (caught.value.code, variable in caught.value.hint) == (CANNOT_CREATE, True)


def test_a_node_port_of_another_service_is_refused_and_our_own_is_not(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster, up: dict[str, Any]
) -> None:
    host.claim([samples.claim()])
    taken = {"ports": [{"nodePort": 30900}]}
    cluster.add({"kind": "Service", "metadata": {"name": "web", "namespace": "default"}, "spec": taken})
    with pytest.raises(SamerunError, match=r"NodePort 30900: the Service default/web.*object_store_node_port=30901"):
        host.claim([samples.claim()])


def test_whoever_may_not_list_services_leaves_taken_ports_to_the_cluster(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster
) -> None:
    cluster.fake.refuses["GET", "api/v1/services"] = ApiError(403, "forbidden")
    assert host.claim([samples.claim()]) == {}


def test_an_image_that_is_built_here_needs_a_registry(host: KubernetesHost) -> None:
    with pytest.raises(SamerunError, match=r"samerun_registry.*object_store_image"):
        host.claim([samples.claim(built=True)])


@pytest.mark.parametrize("named", [False, True])
def test_a_cluster_that_does_not_look_local_is_used_only_by_its_name(tmp_path: Path, named: bool) -> None:
    host = KubernetesHost(samples.world(tmp_path, "kubernetes", context="prod" if named else ""))
    host.__dict__["cluster"] = fakes_cluster.FakeCluster(context=Context("prod", "10.0.0.7"))
    if named:
        host.check()
        return
    with pytest.raises(SamerunError, match="current context prod") as caught:
        host.check()
    assert (caught.value.code, "samerun_context=prod" in caught.value.hint) == (CONFIG, True)


def test_keys_are_kept_in_a_secret_beside_the_store_and_read_back(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster
) -> None:
    assert host.credentials() is None
    host.keep_credentials(samples.PAIR)
    assert host.credentials() == samples.PAIR
    assert "Secret minio-keys" in cluster.kinds()


def test_a_secret_of_our_name_that_is_another_owners_is_refused(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster
) -> None:
    cluster.add({"kind": "Secret", "metadata": {"name": "minio-keys", "namespace": "storage"}, "data": {}})
    with pytest.raises(SamerunError, match="it is not this world's"):
        host.credentials()


def test_a_pod_that_cannot_start_makes_waiting_hopeless(
    host: KubernetesHost, cluster: fakes_cluster.FakeCluster
) -> None:
    assert host.hopeless(SERVICE) == ""
    assert host.last_words(SERVICE) == "there is no pod"
    waiting = {"waiting": {"reason": "InvalidImageName", "message": 'couldn\'t parse image "a b"'}}
    cluster.add(fakes_cluster.pod("minio-1", "storage", waiting, {"app.kubernetes.io/name": "minio"}))
    assert "InvalidImageName" in host.hopeless(SERVICE)


def test_last_words_are_the_end_of_the_pods_log(host: KubernetesHost, cluster: fakes_cluster.FakeCluster) -> None:
    cluster.add(fakes_cluster.pod("minio-1", "storage", {"running": {}}, {"app.kubernetes.io/name": "minio"}))
    cluster.logs["minio-1"] = b"one\ntwo\nthree\n"
    assert host.last_words(SERVICE, lines=2) == "two\nthree"
