"""Objects of a cluster as plain data: what is not there is None, and what a watch says comes whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes_cluster import FakeCluster, pod

from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import cluster as clusters
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

SECRET = {"kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": {"a": "MQ=="}}


class Answer:
    """What a server says, piece by piece."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.closed = 0

    def read1(self, _size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def close(self) -> None:
        self.closed += 1

    def release_conn(self) -> None:
        self.closed += 1


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def answered(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster, *pieces: bytes) -> Answer:
    answer = Answer(*pieces)
    monkeypatch.setattr(cluster.api, "send", lambda *_given, **_named: answer)
    return answer


def test_what_is_not_there_is_none_and_need_not_be_deleted(cluster: FakeCluster) -> None:
    assert cluster.get("Secret", "s", "n") is None
    cluster.delete("Secret", "s", "n")
    assert cluster.fake.asked == []


def test_what_is_refused_is_raised(cluster: FakeCluster) -> None:
    cluster.fake.refuses["GET", "secrets/s"] = ApiError(403, "forbidden")
    with pytest.raises(ApiError, match="forbidden"):
        cluster.get("Secret", "s", "n")


def test_an_object_is_applied_merged_and_deleted_by_its_kind(cluster: FakeCluster) -> None:
    assert cluster.apply(SECRET, dry_run=True)["data"] == SECRET["data"]
    assert cluster.kinds() == []
    cluster.apply(SECRET)
    cluster.merge("Secret", "n", "s", {"data": {"b": "Mg=="}})
    found = cluster.get("Secret", "s", "n")
    assert found is not None
    assert found["data"] == {"a": "MQ==", "b": "Mg=="}
    cluster.delete("Secret", "s", "n")
    assert cluster.fake.asked == [f"{method} api/v1/namespaces/n/secrets/s" for method in ("PATCH", "PATCH", "DELETE")]


def test_objects_are_found_by_labels_in_one_namespace_or_all(cluster: FakeCluster) -> None:
    cluster.add(pod("a", "one", labels={"x": "1"}))
    cluster.add(pod("b", "two", labels={"x": "1"}))
    cluster.add(pod("c", "two"))
    assert [one["metadata"]["name"] for one in cluster.find("Pod", labelSelector="x=1")] == ["a", "b"]
    assert [one["metadata"]["name"] for one in cluster.find("Pod", "two", labelSelector="x=1")] == ["b"]


def test_a_namespace_is_made_once_and_takes_restricted_pods_alone(cluster: FakeCluster) -> None:
    assert cluster.ensure_namespace("n", {"a": "b"})
    assert not cluster.ensure_namespace("n", {"a": "c"}), "one that is there is used as it is"
    found = cluster.get("Namespace", "n")
    assert found is not None
    assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert found["metadata"]["labels"]["a"] == "b"


def test_whoever_may_not_look_was_given_a_namespace(cluster: FakeCluster) -> None:
    cluster.fake.refuses["GET", "namespaces/n"] = ApiError(403, "forbidden")
    assert cluster.has_namespace("n")
    cluster.fake.refuses["GET", "namespaces/n"] = ApiError(500, "broken")
    with pytest.raises(ApiError, match="broken"):
        cluster.has_namespace("n")


def test_a_pod_of_a_lost_node_goes_at_once(cluster: FakeCluster) -> None:
    cluster.add(pod("a", "n"))
    cluster.release(pod("a", "n"))
    assert cluster.kinds() == []


def test_what_a_watch_says_comes_whole_however_it_was_cut(
    monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster
) -> None:
    events: list[dict[str, Any]] = [{"type": kind, "object": {"kind": "Pod"}} for kind in ("ADDED", "DELETED")]
    sent = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    answer = answered(monkeypatch, cluster, sent[:7], sent[7:60], sent[60:])
    found = [kind for kind, _pod in Cluster.watch(cluster, "Pod", "n", "1", 5)]
    assert (found, answer.closed) == (["ADDED", "DELETED"], 2)


def test_an_error_in_a_watch_is_the_servers(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> None:
    sent = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    answer = answered(monkeypatch, cluster, json.dumps(sent).encode() + b"\n")
    with pytest.raises(ApiError, match="too old") as caught:
        next(Cluster.watch(cluster, "Pod", "n", "1", 5))
    assert (caught.value.status, answer.closed) == (410, 2)


def test_a_log_that_is_left_early_is_closed(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster) -> None:
    answer = answered(monkeypatch, cluster, b"one", b"two")
    log = Cluster.log(cluster, "a", "n")
    assert next(log) == b"one"
    log.close()  # type: ignore[attr-defined] # a generator's
    assert answer.closed == 2


def test_an_object_is_of_a_world_by_its_labels() -> None:
    assert clusters.is_of({"metadata": {"labels": {OWNER_LABEL: OWNER, WORLD_LABEL: "w"}}}, "w")
    assert not clusters.is_of({"metadata": {"labels": {OWNER_LABEL: OWNER, WORLD_LABEL: "v"}}}, "w")
    assert not clusters.is_of({"metadata": {}}, "w")
