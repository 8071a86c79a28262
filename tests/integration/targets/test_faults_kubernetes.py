"""What can go wrong with a run on Kubernetes, on the real cluster: told apart within seconds, and nothing is left.

Launches of one kind run at the same time, so that all of them take as long as the slowest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import engines
import launches
import links
import machines
import pytest
import unaided
import worlds
import yaml

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_PERMISSION, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import access
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import GoneError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.target import KubernetesTarget

pytestmark = pytest.mark.parametrize("real", ["kubernetes"], indirect=True)
WAITS = "import time\nprint('ready', flush=True)\ntime.sleep(60)"
EXECUTABLE = {"spec": {"template": {"spec": {"volumes": [{"name": "code", "configMap": {"defaultMode": 0o755}}]}}}}


@dataclasses.dataclass(frozen=True)
class Timed:
    """A launch that was watched to its end, and how long that took."""

    launched: launches.Launched
    seconds: float

    @property
    def record(self) -> RunRecord:
        return self.launched.record


class Runs:
    """Launches scripts that are given as text, all in one world."""

    def __init__(self, world: World, folder: Path, given: Mapping[str, Any]) -> None:
        self.world, self.folder, self.given = world, folder, given

    def __call__(self, name: str, script: str = "pass", **given: Any) -> Timed:
        path = self.folder / name / "train.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        started = time.monotonic()
        launched = launches.launch(self.world, **{"script": str(path), **self.given, **given})
        return Timed(launched, time.monotonic() - started)

    def together(self, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Timed]:
        with ThreadPoolExecutor(len(wanted)) as pool:
            futures = {name: pool.submit(self, name, **given) for name, given in wanted.items()}
            return {name: future.result() for name, future in futures.items()}


@pytest.fixture(scope="module")
def runs(real: worlds.RealWorld, trainer: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(real.world, tmp_path_factory.mktemp("scripts"), trainer)


@pytest.fixture(scope="module")
def cluster(real: worlds.RealWorld) -> Cluster:
    return Cluster(real.world.kubeconfig, real.world.context)


def assert_nothing_is_left(world: World, record: RunRecord, meanwhile: Callable[[World], object] = id) -> None:
    engine = engines.engine_of(world)

    def gone() -> bool:
        meanwhile(world)
        return not engine.leftovers(record.launch)

    engines.wait_until(gone, f"nothing of {record.launch} is left", 40)


# ---- what cannot start -------------------------------------------------------------------

IMAGE = f"{worlds.REGISTRY}/no/such:{time.time_ns()}"
MOON = f"moon{worlds.SLOT or ''}"  # what is the cluster's, and not a namespace's, has a name of this session's own
NO_SECRET = {
    "spec": {"template": {"spec": {
        "volumes": [{"name": "no", "secret": {"secretName": "nowhere"}}],
        "containers": [{"name": "training", "volumeMounts": [{"name": "no", "mountPath": "/no"}]}],
    }}}
}  # fmt: skip
CANNOT_START: dict[str, tuple[dict[str, Any], str, str]] = {
    "image": ({"image": IMAGE}, "not found", "Is the image's name right"),
    "interpreter": ({"python": "/no/such/python"}, "no such file or directory", "training_python"),
    "processor": ({"python": "/samerun/spec.json", "overlay": EXECUTABLE}, "exec format error", "another processor"),
    "mount": ({"overlay": NO_SECRET}, 'secret "nowhere" not found', "kubectl describe pod"),
    "room": ({"node_selector": {MOON: "here"}, "start_timeout": 2}, "nodes are available", "training_node_selector"),
    "gpu": ({"resources": {"gpu": "1"}, "start_timeout": 2}, "Insufficient nvidia.com/gpu", "training_resources"),
    "claim": ({"volumes": ["nowhere:/data"]}, 'persistentvolumeclaim "nowhere" not found', "training_volumes"),
    "volume": ({"volumes": ["unbound:/data"], "start_timeout": 2}, "unbound", "kubectl get pvc"),
    "priority": ({"priority_class": MOON}, f"no PriorityClass with name {MOON}", "training_priority_class"),
    "account": ({"service_account": MOON}, f'serviceaccount "{MOON}" not found', "training_service_account"),
    "security": ({"network": "host"}, "violates PodSecurity", "training_namespace"),
}
CAN_BE_MENDED = {"image", "mount", "room", "claim", "volume", "priority", "account", "security"}


@pytest.fixture(scope="module")
def unstarted(runs: Runs, cluster: Cluster) -> Iterator[dict[str, Timed]]:
    """All of `CANNOT_START`, launched together."""
    make_claim(cluster, runs.world, "unbound", storageClassName="nowhere")
    yield runs.together({name: given for name, (given, _words, _hint) in CANNOT_START.items()})
    cluster.delete("PersistentVolumeClaim", "unbound", runs.world.training_namespace)


def make_claim(cluster: Cluster, world: World, name: str, **given: str) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}, **given}
    metadata = {"name": name, "namespace": world.training_namespace}
    cluster.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


@pytest.mark.parametrize("what", CANNOT_START)
def test_what_cannot_start_is_said_in_the_clusters_words_and_removed(
    world: World, unstarted: dict[str, Timed], what: str
) -> None:
    _given, words, hint = CANNOT_START[what]
    ended = unstarted[what]
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, None)
    assert words in ended.record.reason
    assert "\n" not in ended.record.reason
    assert hint in ended.record.hint
    assert ended.seconds < 30, "eleven at once; one alone takes a third of it"
    assert_nothing_is_left(world, ended.record)


@pytest.fixture
def mended(unstarted: dict[str, Timed], runs: Runs, cluster: Cluster) -> Iterator[None]:
    """What was missing, or in the way, is no more."""
    del unstarted
    place, label = runs.world.training_namespace, "pod-security.kubernetes.io/enforce"
    node = cluster.find("Node")[0]["metadata"]["name"]
    accounts, classes = f"api/v1/namespaces/{place}/serviceaccounts", "apis/scheduling.k8s.io/v1/priorityclasses"
    cluster.merge("Namespace", "", place, {"metadata": {"labels": {label: "privileged"}}})
    cluster.merge("Node", "", node, {"metadata": {"labels": {MOON: "here"}}})
    cluster.api.call("POST", accounts, {"metadata": {"name": MOON}})
    cluster.api.call("POST", classes, {"metadata": {"name": MOON}, "value": 1})
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nowhere", "namespace": place}})
    cluster.delete("PersistentVolumeClaim", "unbound", place)
    engines.wait_until(lambda: cluster.get("PersistentVolumeClaim", "unbound", place) is None, "the claim goes")
    for name in ("nowhere", "unbound"):
        make_claim(cluster, runs.world, name)
    client, (name, _, tag) = machines.docker_client(), IMAGE.rpartition(":")
    client.images.get(images.BASE_IMAGE).tag(name, tag)
    client.images.push(name, tag)
    yield
    client.images.remove(IMAGE)
    cluster.delete("PersistentVolumeClaim", "nowhere", place)
    cluster.delete("Secret", "nowhere", place)
    cluster.api.call("DELETE", f"{classes}/{MOON}")
    cluster.api.call("DELETE", f"{accounts}/{MOON}")
    cluster.merge("Node", "", node, {"metadata": {"labels": {MOON: None}}})
    cluster.merge("Namespace", "", place, {"metadata": {"labels": {label: "restricted"}}})


ALL_AT_ONCE: dict[str, Any] = {
    "node_selector": {MOON: "here"}, "priority_class": MOON, "service_account": MOON, "volumes": ["nowhere:/data"],
    "resources": {"shm": "64Mi"}, "tolerations": [{"key": "samerun-tests", "operator": "Exists"}],
    "script": """
import os
shm = os.statvfs("/dev/shm")
print(shm.f_blocks * shm.f_frsize // 2**20, os.path.exists("/run/secrets/kubernetes.io/serviceaccount/token"))
open("/data/written", "w").close()
""",
}  # fmt: skip


def test_the_same_starts_once_its_cause_is_gone(runs: Runs, cluster: Cluster, mended: None) -> None:
    pods: list[Mapping[str, Any]] = []

    def seen(launch: str, _piece: bytes) -> None:
        pods.extend(KubernetesTarget(runs.world)._pods(launch))

    again = {name: CANNOT_START[name][0] for name in sorted(CAN_BE_MENDED)}
    ended = runs.together({**again, "all at once": {**ALL_AT_ONCE, "seen": seen}})
    how = {name: (one.record.state, one.record.exit_code, one.record.reason) for name, one in ended.items()}
    assert how == dict.fromkeys(ended, (RunState.FINISHED, 0, ""))
    assert ended["all at once"].launched.log == b"64 True\n"
    spec = pods[0]["spec"]
    assert (spec["priorityClassName"], spec["serviceAccountName"]) == (MOON, MOON)
    assert {"key": "samerun-tests", "operator": "Exists"} in spec["tolerations"]
    for one in ended.values():
        assert_nothing_is_left(runs.world, one.record)


def test_a_quota_is_seen_before_anything_is_made_and_the_same_succeeds_without_it(runs: Runs, cluster: Cluster) -> None:
    namespace = runs.world.training_namespace
    metadata = {"name": "none", "namespace": namespace}
    cluster.create(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"limits.memory": "1Gi"}}}
    )
    given = {"resources": {"memory": "2Gi"}}
    try:
        engines.wait_until(
            lambda: cluster.find("ResourceQuota", namespace)[0]["status"].get("hard"), "the quota is known"
        )
        with pytest.raises(SamerunError, match=r"exceeded quota: none, limits\.memory: 0 of 1Gi used, 2Gi asked"):
            runs("quota", **given)
        # Who may not read quotas is told by the cluster.
        unread = runs(
            "unread",
            overlay={
                "spec": {
                    "template": {
                        "spec": {
                            "containers": [
                                {
                                    "name": "training",
                                    "resources": {"limits": {"memory": None}, "requests": {"memory": None}},
                                }
                            ]
                        }
                    }
                }
            },
            **given,
        )
        assert "must specify limits.memory" in unread.record.reason
    finally:
        cluster.delete("ResourceQuota", "none", namespace)
    assert runs("quota", **given).record.state is RunState.FINISHED


def test_a_pod_without_a_node_is_waited_for_as_long_as_is_asked_and_can_be_cancelled(runs: Runs) -> None:
    given = {"node_selector": {"no": "where"}, "start_timeout": 0}
    queued = {"queue": "team"}  # of a Kueue that is not there
    waiting = [runs(name, detach=True, **one).record for name, one in (("waits", given), ("queued", queued))]
    time.sleep(3)
    _settled, alive = collector.collect(runs.world)
    assert {record.launch for record in waiting} <= {record.launch for record in alive}
    for record in waiting:
        KubernetesTarget(runs.world).cancel(record.launch, signal.SIGTERM)
    for record in waiting:
        assert_nothing_is_left(runs.world, record, collector.collect)
        ended = launches.record_on_disk(runs.world, record.launch)
        assert (ended["state"], ended["exit_code"]) == ("KILLED", None)
        assert ended["reason"] == "Cancelled by SIGTERM before the script started."


# ---- how a run ends ----------------------------------------------------------------------


def evict(cluster: Cluster, pod: Mapping[str, Any]) -> None:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    wanted = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
    cluster.api.call("POST", f"api/v1/namespaces/{namespace}/pods/{name}/eviction", wanted)


def delete(cluster: Cluster, pod: Mapping[str, Any]) -> None:
    cluster.delete("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])


def remove_job(cluster: Cluster, pod: Mapping[str, Any]) -> None:
    cluster.delete("Job", pod["metadata"]["labels"]["batch.kubernetes.io/job-name"], pod["metadata"]["namespace"])


def nothing(cluster: Cluster, pod: Mapping[str, Any]) -> None:
    del cluster, pod


LIMITED = {"spec": {"activeDeadlineSeconds": 10}}
EATS = "print('ready', flush=True)\nx = bytearray(600 * 2**20)"
ENDS: dict[str, tuple[dict[str, Any], Callable[[Cluster, Mapping[str, Any]], None], RunState, int | None, str]] = {
    "by itself": ({"script": "print('ready')\nraise SystemExit(77)"}, nothing, RunState.FAILED, 77, "exit code 77"),
    "out of memory": (
        {"script": EATS, "resources": {"memory": "200Mi"}}, nothing, RunState.FAILED, 137, "Out of memory",
    ),
    "time limit": ({"script": WAITS, "timeout": 2}, nothing, RunState.FAILED, 143, "time limit of 2 s"),
    "the Job's limit": (
        {"script": WAITS, "overlay": LIMITED}, nothing, RunState.FAILED, 143, "limit of 10 s",
    ),
    "evicted": ({"script": WAITS}, evict, RunState.KILLED, 143, "The pod was evicted: "),
    "deleted": ({"script": WAITS}, delete, RunState.KILLED, 143, "The pod was deleted."),
    "Job removed": ({"script": WAITS}, remove_job, RunState.KILLED, 143, "The pod was deleted."),
}  # fmt: skip


@pytest.fixture(scope="module")
def ended(runs: Runs, cluster: Cluster) -> dict[str, Timed]:
    """All of `ENDS` at once; each is disturbed as soon as it has said something."""

    def run(name: str) -> Timed:
        given, disturb, *_rest = ENDS[name]
        submitted = runs(name.replace(" ", "-").replace("'", ""), detach=True, **given).record
        target = KubernetesTarget(runs.world)
        launched = launches.Launched(submitted)
        for piece in target.follow(submitted.launch):
            launched.arrivals.append((time.time(), piece))
            if len(launched.arrivals) == 1:
                (pod,) = target._pods(submitted.launch)
                disturb(cluster, pod)
        started = time.monotonic()
        outcome = target.outcome(submitted.launch)
        assert outcome is not None
        launched.record = collector.settle(target, submitted, outcome)
        return Timed(launched, time.monotonic() - started)

    with ThreadPoolExecutor(len(ENDS)) as pool:
        return dict(zip(ENDS, pool.map(run, ENDS), strict=True))


@pytest.mark.parametrize("how", ENDS)
def test_ends_are_told_apart(world: World, ended: dict[str, Timed], how: str) -> None:
    _given, _disturb, state, code, reason = ENDS[how]
    record = ended[how].record
    assert reason in record.reason
    assert record.state is state
    # A busy machine may not have started the script when the Job's limit is over.
    assert record.exit_code == code or how == "the Job's limit"
    assert record.hint
    assert ended[how].launched.log.startswith(b"ready\n") or record.exit_code is None
    assert_nothing_is_left(world, record)


# ---- the same run goes on ----------------------------------------------------------------

# Unchanged by anything of ours: it opens its run as scripts do, and counts its attempts where a volume would be. Each
# has an experiment of its own: two that make one at the same moment may get two of one name from MLflow.
GOES_ON = """
import sys, time
import mlflow
mlflow.set_experiment(sys.argv[1])
with mlflow.start_run(run_name="the same"):
    mlflow.log_param("lr", 0.1)
    run = mlflow.MlflowClient().get_run(mlflow.active_run().info.run_id)
    attempt = int(run.data.tags.get("attempt", 0)) + 1
    mlflow.set_tag("attempt", attempt)
    print("now attempt", attempt, flush=True)
    time.sleep(0 if attempt > 1 else 120)
"""


def kill(cluster: Cluster, pod: Mapping[str, Any]) -> None:
    """With no grace at all: the shim gets no word in."""
    now = {"gracePeriodSeconds": 0}
    cluster.api.call("DELETE", f"api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}", now)


LOST = {"evicted": evict, "killed": kill}


def test_a_lost_pod_is_replaced_and_the_same_mlflow_run_goes_on(runs: Runs, cluster: Cluster) -> None:
    submitted = {how: runs(how, GOES_ON, args=[how], retries=1, detach=True).record for how in LOST}

    def follow(how: str) -> tuple[RunRecord, bytes, list[str]]:
        said: list[str] = []
        target = KubernetesTarget(runs.world, said.append)
        log, launch = b"", submitted[how].launch
        for piece in target.follow(launch):
            if b"now attempt 1" in piece:
                LOST[how](cluster, target._pods(launch)[-1])
            log += piece
        outcome = target.outcome(launch)
        assert outcome is not None
        record = collector.settle(target, submitted[how], outcome)
        return record, log, said

    with ThreadPoolExecutor(len(LOST)) as pool:
        found = list(pool.map(follow, LOST))
    for record, log, said in found:
        assert (record.state, record.exit_code, record.reason, record.attempts) == (RunState.FINISHED, 0, "", 2), log
        lines = [line for line in log.splitlines() if line.startswith(b"now")]
        assert lines == [b"now attempt 1", b"now attempt 2"]
        assert [line.split(" starts on ")[0] for line in said if line.startswith("Attempt")] == ["Attempt 2"]
        (only,) = record.mlflow_runs
        assert (only.status, only.name, only.params) == ("FINISHED", "the same", {"lr": "0.1"})
        assert_nothing_is_left(runs.world, record)


FAILS_ONCE = f"""{unaided.BEGINS}
print("now", 2 if again else 1, flush=True)
if not again:
    raise SystemExit(3)
ended()
"""


def test_what_another_attempt_would_meet_again_is_tried_again_only_if_asked(runs: Runs) -> None:
    failed, slow, asked = runs.together({
        "fails": {"script": "raise SystemExit(3)", "retries": 2},
        "slow": {"script": "import time\ntime.sleep(60)", "retries": 2, "timeout": 1},
        "asked": {"script": FAILS_ONCE, "retries": 2, "retry_failures": True},
    }).values()  # fmt: skip
    assert (asked.record.state, asked.record.exit_code, asked.record.attempts) == (RunState.FINISHED, 0, 2)
    assert [line for line in asked.launched.log.splitlines() if line.startswith(b"now")] == [b"now 1", b"now 2"]
    assert [run.status for run in asked.record.mlflow_runs] == ["FINISHED"]
    assert (failed.record.state, failed.record.exit_code, failed.record.attempts) == (RunState.FAILED, 3, 1)
    assert (slow.record.state, slow.record.exit_code) == (RunState.FAILED, 143)
    assert "time limit of 1 s" in slow.record.reason


# ---- the link ----------------------------------------------------------------------------

SPEAKS = """
import time
for number in range(60):
    print("line", number, "x" * (100_000 if number == 20 else 10), flush=True)
    time.sleep(0.15)
print("the end", flush=True)
"""


def slow(link: links.Link) -> None:
    link.rate = 60_000
    time.sleep(3)
    link.rate = 0


def cut(link: links.Link) -> None:
    for _again in range(3):
        link.cut()
        time.sleep(0.7)


def reset(link: links.Link) -> None:
    for _again in range(3):
        link.cut(reset=True)
        time.sleep(0.7)


def silent(link: links.Link) -> None:
    link.silent = True
    time.sleep(3)
    link.cut()
    link.silent = False


LINKS = {"slow": slow, "cut": cut, "reset": reset, "silent": silent}


def through(world: World, link: links.Link, folder: Path) -> World:
    """`world`, reached by way of `link`."""
    config = yaml.safe_load(Path(world.kubeconfig).read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{link.port}"
    path = folder / f"{link.port}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return dataclasses.replace(world, kubeconfig=str(path))


def test_a_log_is_whole_whatever_becomes_of_the_link(runs: Runs, cluster: Cluster, tmp_path: Path) -> None:
    server = cluster.server.replace("https://", "tcp://")
    submitted = runs("speaks", SPEAKS, detach=True).record

    def follow(name: str) -> bytes:
        with links.link(server) as link:
            target = KubernetesTarget(through(runs.world, link, tmp_path))
            following, log = target.follow(submitted.launch), b""
            for piece in following:
                log += piece
                if b"line 5 " in piece:
                    Thread(target=LINKS[name], args=(link,)).start()
            assert target.outcome(submitted.launch) is not None
            return log

    with ThreadPoolExecutor(len(LINKS)) as pool:
        logs = dict(zip(LINKS, pool.map(follow, LINKS), strict=True))
    expected = [f"line {n} {'x' * (100_000 if n == 20 else 10)}".encode() for n in range(60)] + [b"the end"]
    assert {name: log.splitlines() == expected for name, log in logs.items()} == dict.fromkeys(LINKS, True)
    record = launches.collect_until_settled(runs.world, submitted.launch)
    assert record.state is RunState.FINISHED
    assert runs.world.folder(record.launch).log.read_bytes() == logs["cut"]


# ---- who may -----------------------------------------------------------------------------


@pytest.fixture
def somebody(cluster: Cluster, world: World, tmp_path: Path) -> Iterator[World]:
    """`world` for a service account that may read Jobs and nothing else."""
    namespace, group = world.training_namespace, "rbac.authorization.k8s.io"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "somebody"}}
    place = f"api/v1/namespaces/{namespace}/serviceaccounts"
    roles = f"apis/{group}/v1/namespaces/{namespace}"
    cluster.api.call("POST", place, account)
    token = cluster.api.call("POST", f"{place}/somebody/token", {"spec": {"expirationSeconds": 3600}})["status"][
        "token"
    ]
    config = yaml.safe_load(Path(world.kubeconfig).read_text())
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    yield dataclasses.replace(world, kubeconfig=str(path), state=tmp_path / "state")
    cluster.api.call("DELETE", f"{place}/somebody")
    for kind in ("roles", "rolebindings"):
        with contextlib.suppress(GoneError):
            cluster.api.call("DELETE", f"{roles}/{kind}/samerun-training")


def test_verbs_are_asked_for_beforehand_and_the_role_that_is_left_is_enough(
    somebody: World, cluster: Cluster, runs: Runs, tmp_path: Path
) -> None:
    target = KubernetesTarget(somebody)
    started = time.monotonic()
    with pytest.raises(SamerunError, match=r"you may not .*create jobs\.batch.*delete jobs\.batch") as caught:
        target.check()
    assert time.monotonic() - started < 10
    assert "get pods/log" in caught.value.message
    assert caught.value.code == NO_PERMISSION
    path = somebody.state / "kubernetes-role.yml"
    assert caught.value.hint.endswith(f"kubectl apply -f {path}")
    for wanted in yaml.safe_load_all(path.read_text()):
        plural = f"{wanted['kind'].lower()}s"
        cluster.api.call(
            "POST", f"apis/{wanted['apiVersion']}/namespaces/{somebody.training_namespace}/{plural}", wanted
        )
    engines.wait_until(lambda: not access.denied(target.cluster, somebody.training_namespace), "the Role is known")
    target.check()
    mine = Runs(somebody, tmp_path, runs.given)
    assert mine("allowed", "print('ready')", secret_env={"A": "secret"}).record.state is RunState.FINISHED
    submitted = mine("cancelled", WAITS, detach=True).record
    for piece in target.follow(submitted.launch):
        if b"ready" in piece:
            target.cancel(submitted.launch, signal.SIGINT)
    record = launches.collect_until_settled(somebody, submitted.launch)
    assert (record.state, record.reason) == (RunState.KILLED, "Cancelled by SIGINT.")
    assert_nothing_is_left(runs.world, record)


# ---- a lost node -------------------------------------------------------------------------

NODE = f"""{unaided.BEGINS}
print("now on", os.environ["NODE"], flush=True)
if os.environ["NODE"] == os.environ["LOST"]:
    time.sleep(300)
ended()
"""


@pytest.fixture
def spare(cluster: Cluster) -> Iterator[str]:
    """A node that only the pods of this test run on, and that loses power when the test says so."""
    if not worlds.NODE_COMMANDS:
        pytest.skip(
            "needs a node that may be lost: set SAMERUN_TEST_ADD_NODE and SAMERUN_TEST_STOP_NODE, see worlds.py"
        )
    before = {node["metadata"]["name"] for node in cluster.find("Node")}
    subprocess.run(worlds.NODE_COMMANDS["add"], check=True, capture_output=True, timeout=120)
    (name,) = {node["metadata"]["name"] for node in cluster.find("Node")} - before
    taint = [{"key": "samerun-tests", "effect": "NoSchedule"}]
    cluster.merge("Node", "", name, {"spec": {"taints": taint}})
    yield name
    cluster.delete("Node", name)


@pytest.fixture
def small_image() -> Iterator[str]:
    """An image that a new node has soon."""
    client = machines.docker_client()
    name = f"{worlds.REGISTRY}/samerun-test-python"
    client.images.get(images.BASE_IMAGE).tag(name, "1")
    client.images.push(name, "1")
    yield f"{name}:1"
    client.images.remove(f"{name}:1")


def test_a_lost_node_is_said_at_once_and_its_pod_replaced_or_given_up(
    runs: Runs, cluster: Cluster, spare: str, small_image: str
) -> None:
    prefers = {
        "preference": {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [spare]}]}
    }
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, **prefers}]}}
    env = [
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "LOST", "value": spare},
    ]
    pod = {"affinity": affinity, "containers": [{"name": "training", "env": env}]}
    leaves = {
        "key": "node.kubernetes.io/unreachable",
        "effect": "NoExecute",
        "operator": "Exists",
        "tolerationSeconds": 5,
    }
    tolerated = [{"key": "samerun-tests", "operator": "Exists"}]
    given = {"overlay": {"spec": {"template": {"spec": pod}}}, "image": small_image, "start_timeout": 0}
    lost = {
        "replaced": {**given, "retries": 1, "tolerations": tolerated},
        "given up": {**given, "tolerations": [*tolerated, leaves]},
    }
    submitted = {name: runs(name, NODE, detach=True, **one).record for name, one in lost.items()}
    said: dict[str, list[str]] = {name: [] for name in lost}
    running = Barrier(len(lost), lambda: subprocess.run(
        worlds.NODE_COMMANDS["stop"], check=True, capture_output=True, timeout=60
    ), timeout=120)  # fmt: skip

    def follow(name: str) -> tuple[RunRecord, bytes]:
        target, log = KubernetesTarget(runs.world, said[name].append), b""
        for piece in target.follow(submitted[name].launch):
            if not log:
                running.wait()
            log += piece
        outcome = target.outcome(submitted[name].launch)
        assert outcome is not None
        return collector.settle(target, submitted[name], outcome), log

    with ThreadPoolExecutor(len(lost)) as pool:
        (replaced, log), (given_up, _log) = pool.map(follow, lost)
    assert (replaced.state, replaced.exit_code) == (RunState.FINISHED, 0)
    first, second = (line for line in log.splitlines() if line.startswith(b"now"))
    assert first == f"now on {spare}".encode()
    assert second != first
    assert (given_up.state, given_up.exit_code) == (RunState.KILLED, None)
    assert f"The node {spare} was lost with the pod" in given_up.reason
    assert "training_retries" in given_up.hint
    assert [[run.status for run in record.mlflow_runs] for record in (replaced, given_up)] == [["FINISHED"], ["KILLED"]]
    for lines in said.values():
        assert [line for line in lines if f"The node {spare} of pod" in line and "does not answer" in line]
    for record in (replaced, given_up):
        assert_nothing_is_left(runs.world, record)
