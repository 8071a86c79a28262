"""Training on this host against services of a cluster, by a port-forward that is kept."""

from __future__ import annotations

import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import difficult
import engines
import launches
import links
import psutil
import pytest
import worlds
import yaml

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import port_forward
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import forwarding

pytestmark = [pytest.mark.kubernetes, pytest.mark.parametrize("real", ["kubernetes"], indirect=True)]

TRAINER = {"requirements": str(worlds.ROOT / "trainer" / "requirements.txt")}


@pytest.fixture
def link(real: worlds.RealWorld) -> Iterator[links.Link]:
    """What is between this host and the API server."""
    with links.link(Cluster(real.world.kubeconfig, real.world.context).server.replace("https://", "tcp://")) as made:
        yield made


@pytest.fixture
def forwarded(real: worlds.RealWorld, link: links.Link, tmp_path: Path) -> Iterator[World]:
    """The cluster's world as a host sees it that reaches no port of its nodes."""
    config = yaml.safe_load(Path(real.world.kubeconfig).read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{link.port}"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    given = {"port_forward": True, "node_address": "203.0.113.1", "kubeconfig": str(path)}
    world = World.from_options({**real.options, **given})
    yield world
    forwarding.stop(world)


def test_a_process_trains_by_node_ports(real: worlds.RealWorld, tmp_path: Path) -> None:
    world = real.world
    shutil.copy(difficult.DATA / "logs_an_artifact.py", tmp_path)
    given = {**TRAINER, "script": str(tmp_path / "logs_an_artifact.py"), "target": "process"}
    record = launches.launch(world, **given).record
    assert (record.state, record.exit_code) == (RunState.FINISHED, 0), record.reason
    (run,) = record.mlflow_runs
    assert run.status == "FINISHED"
    assert run.url.startswith(f"http://{world.mlflow.node_address}:{world.mlflow.node_port}/")
    assert not (world.state / "forward").exists()


def test_a_process_trains_by_a_forward_that_outlives_pods_and_links(
    forwarded: World, link: links.Link, tmp_path: Path
) -> None:
    host = host_of(forwarded)
    host.reach()
    shutil.copy(difficult.DATA / "opens_a_run.py", tmp_path)
    given = {**TRAINER, "script": str(tmp_path / "opens_a_run.py"), "args": ["exit"], "target": "process"}
    record = launches.launch(forwarded, **given).record
    assert record.exit_code == 3, record.reason
    (run,) = record.mlflow_runs
    assert (record.exit_code, run.status, run.metrics) == (3, "FAILED", {"loss": 0.25})
    assert run.url.startswith(f"http://localhost:{forwarded.mlflow.port}/")
    (process,) = kept(forwarded)
    engines.engine_of(forwarded).kill_service(forwarded.mlflow.name, forwarded.mlflow.namespace)
    engines.wait_until(lambda: answers(forwarded), "the forward finds the new pod")
    link.cut(reset=True)
    assert answers(forwarded), "over a new connection"
    link.refuse()
    Timer(2, link.mend).start()
    assert answers(forwarded), "it waits for a cluster that is away for a moment"
    host.reach()
    assert kept(forwarded) == [process], "one that runs is left alone"
    process.kill()
    lock = forwarded.state / "forward" / port_forward.LOCK
    engines.wait_until(lambda: not files.is_locked(lock), "the last of its threads dies")
    collector.collect(forwarded)  # as every command does
    engines.wait_until(lambda: answers(forwarded), "it forwards again")
    forwarding.stop(forwarded)
    assert kept(forwarded) == []
    assert not (forwarded.state / "forward").exists()


def test_a_port_that_is_taken_is_named(forwarded: World) -> None:
    with (
        socket.create_server(("127.0.0.1", forwarded.mlflow.port)),
        pytest.raises(SamerunError, match=r"forward port \d+: another program has it") as refused,
    ):
        host_of(forwarded).reach()
    assert refused.value.hint == "Move ours: mlflow_port=N"
    assert kept(forwarded) == []


def answers(world: World) -> bool:
    try:
        with urllib.request.urlopen(f"{world.mlflow.url('host')}/health", timeout=20) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def kept(world: World) -> list[psutil.Process]:
    """The processes of the world's forward."""
    mark = str(world.state / "forward")
    return [one for one in psutil.process_iter() if guard._carries(one, mark) and one.status() != psutil.STATUS_ZOMBIE]
