"""A launch as a Job: whole before it starts, signalled where it runs, kept from starting where it does not."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import fakes_cluster
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.training import EnvironmentRequest, Scheduling
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import jobs
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import target as kubernetes_target
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.target import KubernetesTarget
from ansible_collections.samerun.stack.plugins.plugin_utils.world import store

CODE = Bundle(b"the code", "b0" * 32, 1)
JOB = f"training-job-{samples.LAUNCH}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "kubernetes")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> fakes_cluster.FakeCluster:
    found = fakes_cluster.FakeCluster()
    monkeypatch.setattr(kubernetes_target, "Cluster", lambda _kubeconfig, _context: found)
    return found


@pytest.fixture
def target(cluster: fakes_cluster.FakeCluster, world: World) -> KubernetesTarget:
    return KubernetesTarget(world)


def job(cluster: fakes_cluster.FakeCluster) -> dict[str, Any]:
    found = cluster.get("Job", JOB, "training")
    assert found is not None
    return found


def config_map(cluster: fakes_cluster.FakeCluster) -> dict[str, Any]:
    found = cluster.get("ConfigMap", JOB, "training")
    assert found is not None
    return found


def test_a_launch_starts_once_all_that_it_mounts_is_there(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    target.submit(samples.spec(world, secret_env={"TOKEN": "t"}), CODE)
    assert [line.rpartition("/")[2] for line in cluster.fake.asked][-4:] == [JOB] * 4
    assert cluster.fake.asked[-1].startswith("PATCH")
    assert job(cluster)["spec"]["suspend"] is False
    assert base64.b64decode(config_map(cluster)["binaryData"]["bundle.tar.gz"]) == b"the code"
    assert config_map(cluster)["metadata"]["ownerReferences"][0]["name"] == JOB
    assert [record.launch for record in target.launches()] == [samples.LAUNCH]


def test_a_queue_starts_the_launch_itself(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    target.submit(samples.spec(world, scheduling=Scheduling(queue="team")), CODE)
    assert job(cluster)["spec"]["suspend"] is True


def test_code_that_no_config_map_takes_goes_to_the_store(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "put_code", lambda _world, code: f"key of {code.sha256[:2]}")
    target.submit(samples.spec(world), Bundle(b"x" * (kubernetes_target.CONFIG_MAP_BYTES + 1), "b0" * 32, 1))
    assert "bundle.tar.gz" not in config_map(cluster)["binaryData"]
    instructions = json.loads(config_map(cluster)["data"]["spec.json"])
    assert (instructions["bundle_key"], instructions["bundle"]) == ("key of b0", "")


def test_a_launch_that_is_refused_half_way_is_taken_back(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    cluster.fake.refuses["PATCH", JOB] = ApiError(403, "jobs is forbidden")
    with pytest.raises(SamerunError, match=f"Failed to start the Job {JOB}"):
        target.submit(samples.spec(world), CODE)
    assert f"Job {JOB}" not in cluster.kinds()


def running(cluster: fakes_cluster.FakeCluster, state: dict[str, Any] | None) -> None:
    """One pod of the launch, in `state`, on a node that is ready."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    cluster.add({"kind": "Node", "metadata": {"name": "node-1"}, "status": ready})
    cluster.add(fakes_cluster.pod("the-pod", "training", state, {LAUNCH_LABEL: samples.LAUNCH}))


def test_a_signal_reaches_the_pod_that_runs_and_no_other_follows(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    target.submit(samples.spec(world), CODE)
    running(cluster, {"running": {}})
    target.cancel(samples.LAUNCH, 15)
    assert cluster.signals == [("the-pod", 15)]
    assert job(cluster)["spec"]["backoffLimit"] == 0
    assert jobs.is_cancelled(job(cluster)) == "SIGTERM"


def test_a_launch_that_does_not_run_yet_is_kept_from_starting(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    target.submit(samples.spec(world), CODE)
    target.cancel(samples.LAUNCH, 2)
    assert (cluster.signals, job(cluster)["spec"]["suspend"]) == ([], True)
    outcome = target.outcome(samples.LAUNCH)
    assert outcome is not None
    assert (outcome.state, outcome.reason) == (RunState.KILLED, "Cancelled by SIGINT before the script started.")


@pytest.mark.parametrize("runs_on", [False, True])
def test_a_pod_that_cannot_be_signalled_is_asked_again_unless_it_has_ended(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World, monkeypatch: pytest.MonkeyPatch,
    runs_on: bool,
) -> None:  # fmt: skip
    tries: list[int] = []

    def refuse(_pod: str, _namespace: str, _python: str, number: int, _note: str) -> None:
        tries.append(number)
        running(cluster, {"running": {}} if runs_on else {"terminated": {"exitCode": 0}})
        raise ApiError(500, "container not found")

    monkeypatch.setattr(cluster, "signal", refuse)
    monkeypatch.setattr(kubernetes_target, "_AGAIN_SECONDS", 0.0)
    target.submit(samples.spec(world), CODE)
    running(cluster, {"running": {}})
    if runs_on:
        with pytest.raises(SamerunError, match="container not found"):
            target.cancel(samples.LAUNCH, 15)
    else:
        target.cancel(samples.LAUNCH, 15)
    assert len(tries) == (5 if runs_on else 1)


def test_the_log_is_that_of_all_pods_which_have_one(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    target.submit(samples.spec(world), CODE)
    assert b"".join(target.log(samples.LAUNCH)) == b""
    running(cluster, {"running": {}})
    cluster.logs["the-pod"] = b"2026-01-01T00:00:00Z one\n"
    assert b"".join(target.log(samples.LAUNCH)) == b"one\n"


def test_a_launch_is_removed_with_what_its_job_owns(
    target: KubernetesTarget, cluster: fakes_cluster.FakeCluster, world: World
) -> None:
    target.submit(samples.spec(world), CODE)
    target.remove(samples.LAUNCH)
    assert target.launches() == []
    target.remove(samples.LAUNCH)


def test_an_image_that_is_built_here_needs_a_registry_and_one_that_is_named_does_not(target: KubernetesTarget) -> None:
    with pytest.raises(SamerunError, match=r"samerun_registry.*training_image") as caught:
        target.environment(EnvironmentRequest("mlflow"))
    assert caught.value.code == CONFIG
    assert target.environment(EnvironmentRequest("", image="theirs:1")).image == "theirs:1"
