"""A launch as a container: delivered whole, ended with the right reason, and never started in part."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker as library
import fakes_docker
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.training import Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import ends, engine
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker.target import DockerTarget

CODE = Bundle(b"the code", "b0" * 32, 1)
NAME = f"training-{samples.LAUNCH}"
REPORT = "/samerun/out/report.json"
CANCELLED = "/samerun/out/cancelled"


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> fakes_docker.FakeDocker:
    return fakes_docker.connected(monkeypatch)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "docker")


@pytest.fixture
def target(docker: fakes_docker.FakeDocker, world: World) -> DockerTarget:
    return DockerTarget(world)


def test_a_launch_is_delivered_whole_before_it_starts(
    target: DockerTarget, docker: fakes_docker.FakeDocker, world: World
) -> None:
    target.submit(samples.spec(world, args=("--lr", "1")), CODE)
    assert docker.fake.asked == [
        "create_network samerun", f"create {NAME}", f"put_archive id of {NAME}", f"start id of {NAME}",
    ]  # fmt: skip
    assert docker.fake.files["/samerun/bundle.tar.gz"] == b"the code"
    assert json.loads(docker.fake.files["/samerun/spec.json"])["args"] == ["--lr", "1"]
    assert [record.launch for record in target.launches()] == [samples.LAUNCH]


def test_a_launch_that_does_not_start_leaves_no_container(
    target: DockerTarget, docker: fakes_docker.FakeDocker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_container: str) -> None:
        raise library.errors.APIError("500", explanation="could not select device driver")

    monkeypatch.setattr(docker.fake, "start", refuse)
    with pytest.raises(SamerunError, match=f"Failed to start the container {NAME}: the engine has no GPU"):
        target.submit(samples.spec(world), CODE)
    assert docker.fake.held["container"] == {}


def test_launches_of_other_worlds_are_not_ours(
    target: DockerTarget, docker: fakes_docker.FakeDocker, tmp_path: Path
) -> None:
    other = samples.world(tmp_path, "docker", name="other")
    DockerTarget(other).submit(samples.spec(other), CODE)
    assert target.launches() == []


@pytest.mark.parametrize("status", ["running", "paused", "restarting", "removing"])
def test_a_container_that_lives_goes_on(target: DockerTarget, docker: fakes_docker.FakeDocker, status: str) -> None:
    docker.add("container", name=NAME, status=status)
    assert target.outcome(samples.LAUNCH) is None


def test_a_container_that_was_created_and_never_started_failed_after_a_while(
    target: DockerTarget, docker: fakes_docker.FakeDocker
) -> None:
    made = docker.add("container", name=NAME, status="created")
    outcome = target.outcome(samples.LAUNCH)
    assert outcome is not None
    assert (outcome.state, outcome.reason) == (RunState.FAILED, "The container was created and never started.")
    made["Created"] = datetime.now(UTC).isoformat()
    assert target.outcome(samples.LAUNCH) is None, "it is being submitted just now"


def test_a_container_that_is_gone_was_removed(target: DockerTarget) -> None:
    outcome = target.outcome(samples.LAUNCH)
    assert outcome is not None
    assert (outcome.state, outcome.gone) == (RunState.KILLED, True)


@pytest.mark.parametrize(
    "files, state, reason",
    [
        ({REPORT: b'{"state": "FINISHED", "exit_code": 0}'}, RunState.FINISHED, ""),
        (
            {REPORT: b'{"state": "FAILED", "exit_code": 3, "reason": "It ended with 3."}'}, RunState.FAILED,
            "It ended with 3.",
        ),
        ({CANCELLED: b"15"}, RunState.KILLED, "Cancelled by SIGTERM."),
        ({}, RunState.FAILED, "The container ended with exit code 0 and left no report."),
    ],
    ids=["finished", "failed", "cancelled before the shim could say so", "without a word"],
)  # fmt: skip
def test_the_end_is_what_the_shim_left_or_else_what_the_engine_knows(
    target: DockerTarget, docker: fakes_docker.FakeDocker, files: dict[str, bytes], state: RunState, reason: str
) -> None:
    docker.add("container", name=NAME, status="exited")
    docker.fake.files = files
    outcome = target.outcome(samples.LAUNCH)
    assert outcome is not None
    assert (outcome.state, outcome.reason) == (state, reason)


def test_an_engine_that_took_the_container_down_lost_the_launch(
    target: DockerTarget, docker: fakes_docker.FakeDocker
) -> None:
    docker.add("container", name=NAME, status="exited")
    docker.fake.files = {
        REPORT: json.dumps({"state": "KILLED", "exit_code": 143, **causes.cancelled(15).facts}).encode(),
        f"{REPORT}.attempts": b"2026-01-01T00:00:00Z\n2026-01-01T00:01:00Z\n",
    }
    outcome = target.outcome(samples.LAUNCH)
    assert outcome is not None
    assert (outcome.lost, outcome.reason, outcome.attempts) == (True, ends.RESTARTED.why.reason, 2)


def test_a_signal_is_noted_before_it_is_sent_and_wakes_a_container_that_is_paused(
    target: DockerTarget, docker: fakes_docker.FakeDocker
) -> None:
    docker.add("container", name=NAME, status="paused")
    target.cancel(samples.LAUNCH, 15)
    assert [line.split()[0] for line in docker.fake.asked] == ["unpause", "put_archive", "kill"]
    assert docker.fake.files[CANCELLED] == b"15"


def test_a_container_that_has_ended_gets_no_signal(target: DockerTarget, docker: fakes_docker.FakeDocker) -> None:
    docker.add("container", name=NAME, status="exited")
    target.cancel(samples.LAUNCH, 15)
    target.cancel("another", 15)
    assert docker.fake.asked == []


def test_another_attempt_forgets_the_report_of_the_one_before(
    target: DockerTarget, docker: fakes_docker.FakeDocker
) -> None:
    made = docker.add("container", name=NAME, status="exited")
    docker.fake.files[REPORT] = b'{"state": "KILLED"}'
    assert target.restart(samples.LAUNCH)
    assert (docker.fake.files[REPORT], made["State"]["Status"]) == (b"{}", "running")
    assert not target.restart(samples.LAUNCH), "it runs"


def test_a_network_goes_with_the_last_launch_that_uses_it(
    target: DockerTarget, docker: fakes_docker.FakeDocker, world: World
) -> None:
    docker.add("network", name="samerun", labels=world.labels)
    docker.add("container", name="used", status="exited", config={"Uses": ["samerun"], "Labels": {}})
    assert target.teardown() == []
    docker.containers.get("used").remove()
    assert target.teardown() == ["network samerun"]


def test_a_network_that_there_is_not_is_refused_with_those_that_there_are(
    target: DockerTarget, docker: fakes_docker.FakeDocker, world: World
) -> None:
    docker.add("network", name="theirs")
    with pytest.raises(SamerunError, match=r"the network thiers of training_network.*It has theirs\.") as caught:
        target.verify(samples.spec(world, network="thiers"))
    assert caught.value.code == CONFIG
    for network in ("theirs", "host", "container:x", ""):
        target.verify(samples.spec(world, network=network))


@pytest.mark.parametrize(
    "given", [{"delivery": "mount"}, {"volumes": (Volume("/data", "/data"),)}], ids=["the project", "a volume"]
)
def test_folders_of_this_host_are_refused_where_the_engine_is_elsewhere(
    target: DockerTarget, world: World, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    target.plan(samples.spec(world, **given))
    monkeypatch.setattr(engine, "is_remote", lambda _host: True)
    with pytest.raises(SamerunError, match="has no folder of this host"):
        target.plan(samples.spec(world, **given))
    target.plan(samples.spec(world, volumes=(Volume("named", "/data"),)))


def test_variables_of_an_overlay_come_beside_ours_in_either_form(target: DockerTarget, world: World) -> None:
    for added in (["MORE=a=b"], {"MORE": "a=b"}):
        env = target.plan(samples.spec(world, overlay={"Env": added}))["config"]["Env"]
        assert env["MORE"] == "a=b"
        assert env["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"


def test_an_overlay_cannot_take_the_labels_by_which_a_launch_is_found(target: DockerTarget, world: World) -> None:
    labels = target.plan(samples.spec(world, overlay={"Labels": None}))["config"]["Labels"]
    assert world.labels.items() <= labels.items()
