"""What a namespace would refuse is told before anything is made in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fakes_cluster
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_PERMISSION, TEMPORARY, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import access
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import checks
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "kubernetes")


@pytest.fixture
def full() -> fakes_cluster.FakeCluster:
    """A cluster whose quota has room for no other pod."""
    status = {"hard": {"pods": "1"}, "used": {"pods": "1"}}
    metadata = {"name": "small", "namespace": "training"}
    return fakes_cluster.FakeCluster({"kind": "ResourceQuota", "metadata": metadata, "spec": {}, "status": status})


def request(**labels: str) -> dict[str, Any]:
    template: dict[str, Any] = {"spec": {"containers": [{}]}}
    metadata = {"name": "job", "namespace": "training", "labels": labels}
    return {"job": {"kind": "Job", "metadata": metadata, "spec": {"template": template}}}


def test_each_verb_that_is_missing_is_named_and_the_role_that_has_it_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "denied", lambda _cluster, _namespace: ["create jobs.batch", "get pods/log"])
    monkeypatch.setattr(access, "role", lambda _cluster, _namespace: [{"kind": "Role"}])
    with pytest.raises(SamerunError, match=r"you may not create jobs\.batch, get pods/log") as caught:
        checks.permitted(fakes_cluster.FakeCluster(), world)
    assert caught.value.code == NO_PERMISSION
    assert f"kubectl apply -f {world.state / checks.ROLE}" in caught.value.hint
    assert (world.state / checks.ROLE).read_text() == "kind: Role\n"


def test_who_may_do_all_is_left_no_role(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "denied", lambda _cluster, _namespace: [])
    checks.permitted(fakes_cluster.FakeCluster(), world)
    assert not (world.state / checks.ROLE).exists()


def test_a_quota_without_room_refuses_the_launch(full: fakes_cluster.FakeCluster) -> None:
    with pytest.raises(SamerunError, match=r"namespace training: .*pods: 1 of 1 used") as caught:
        checks.fits(full, request())
    assert caught.value.code == TEMPORARY


def test_a_queue_waits_for_room_by_itself(full: fakes_cluster.FakeCluster) -> None:
    checks.fits(full, request(**{kubernetes_job.QUEUE_LABEL: "team"}))


def test_whoever_may_not_read_quotas_is_told_by_the_cluster(full: fakes_cluster.FakeCluster) -> None:
    full.fake.refuses["GET", "resourcequotas"] = ApiError(403, "forbidden")
    checks.fits(full, request())
