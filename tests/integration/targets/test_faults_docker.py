"""What can go wrong with a run in Docker, on the real engine: each is told apart in one line, and nothing is left."""

from __future__ import annotations

import io
import signal
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import engines
import launches
import links
import psutil
import pytest
import unaided
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import ends
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine as docker_engine
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker.target import DockerTarget

pytestmark = pytest.mark.parametrize("real", ["docker"], indirect=True)
Run = Callable[..., launches.Launched]
EATS = "x = bytearray(600 * 2**20)"


@pytest.fixture
def run(world: World, trainer: dict[str, Any], tmp_path: Path) -> Run:
    """Launch a script that is given as text."""

    def launch(script: str, **given: Any) -> launches.Launched:
        path = tmp_path / "train.py"
        path.write_text(script)
        return launches.launch(world, **{"script": str(path), "project": str(tmp_path), **trainer, **given})

    return launch


@pytest.fixture
def in_the_middle(world: World, run: Run, engine: engines.DockerEngine) -> Callable[..., RunRecord]:
    """Launch a script that waits, do something to its container, and return the record."""

    def launch(disturb: Callable[[Any], object], before: str = "") -> RunRecord:
        submitted = run(f"{before}\nimport time\nprint('ready', flush=True)\ntime.sleep(60)", detach=True).record
        started = time.monotonic()
        for piece in TARGETS["docker"](world).follow(submitted.launch):
            if b"ready" in piece:
                disturb(engine.client.containers.get(f"training-{submitted.launch}"))
                started = time.monotonic()
        record = launches.collect_until_settled(world, submitted.launch)
        assert time.monotonic() - started < 5
        assert engine.leftovers(submitted.launch) == []
        return record

    return launch


# ---- how a run ends ----------------------------------------------------------------------


def test_a_script_that_ran_out_of_memory(run: Run) -> None:
    record = run(EATS, resources={"memory": "200Mi"}).record
    assert (record.state, record.exit_code) == (RunState.FAILED, 128 + signal.SIGKILL)
    assert record.reason.startswith("Out of memory")
    assert "memory" in record.hint


def test_a_script_that_goes_on_without_a_part_that_ran_out_of_memory(run: Run) -> None:
    part = f"""
import os, subprocess, sys
shm = os.statvfs("/dev/shm")
print(shm.f_blocks * shm.f_frsize // 2**20, subprocess.run([sys.executable, "-c", "{EATS}"]).returncode)
"""
    ended = run(part, resources={"memory": "200Mi", "shm": "100Mi"})
    assert ended.log == b"100 -9\n"
    assert (ended.record.state, ended.record.exit_code, ended.record.reason) == (RunState.FINISHED, 0, "")


def by_the_host(container: Any) -> None:
    psutil.Process(container.attrs["State"]["Pid"]).kill()


@pytest.mark.parametrize(
    "disturb, code, reason",
    [
        (lambda container: container.stop(), 143, "stopped by hand (docker stop)"),
        (lambda container: container.kill(), None, "killed by hand (docker kill)"),
        (by_the_host, None, "not by its engine"),
    ],
    ids=["stop", "kill", "host"],
)
def test_a_container_that_somebody_ended(
    world: World, in_the_middle: Any, disturb: Callable[[Any], object], code: int | None, reason: str
) -> None:
    record = in_the_middle(disturb)
    assert (record.state, record.exit_code) == (RunState.KILLED, code)
    assert reason in record.reason
    assert "samerun train" in record.hint
    assert world.folder(record.launch).log.read_bytes() == b"ready\n"


def test_a_container_that_went_down_with_its_engine_goes_on(
    world: World, run: Run, engine: engines.DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ends, "events", lambda _container: set())  # all that is forgotten by a restart
    script = "import os, time\nopen('/data/seen', 'a').write('x')\nprint(os.path.getsize('/data/seen'), flush=True)\n"
    with engine.volume("named", f"restarted-{time.time_ns()}", tmp_path) as volume:
        submitted = run(f"{script}time.sleep(60)", detach=True, retries=1, volumes=[f"{volume}:/data"]).record
        target = TARGETS["docker"](world)
        for piece in target.follow(submitted.launch):
            if b"1" in piece:
                # As the engine does it that is told to end.
                engine.client.containers.get(f"training-{submitted.launch}").kill(signal="SIGTERM")
        outcome = target.outcome(submitted.launch)
        assert outcome is not None
        assert (outcome.lost, outcome.exit_code) == (True, 143)
        assert "with its engine" in outcome.reason
        _settled, alive = collector.collect(world)
        assert submitted.launch in [record.launch for record in alive]
        for piece in target.follow(submitted.launch):
            if b"2" in piece:
                target.cancel(submitted.launch, signal.SIGTERM)
        record = launches.collect_until_settled(world, submitted.launch)
    assert (record.state, record.exit_code, record.reason) == (RunState.KILLED, 143, "Cancelled by SIGTERM.")


def test_a_container_that_somebody_removed_is_missed(world: World, in_the_middle: Any) -> None:
    record = in_the_middle(lambda container: container.remove(force=True), "import mlflow\nmlflow.start_run()")
    assert (record.state, record.exit_code) == (RunState.KILLED, None)
    assert "removed before its end was seen" in record.reason
    assert [run.status for run in record.mlflow_runs] == ["KILLED"]
    assert launches.record_on_disk(world, record.launch)["state"] == "KILLED"


def test_a_container_that_was_collected_from_elsewhere_is_believed(
    real: worlds.RealWorld, run: Run, engine: engines.DockerEngine, tmp_path: Path
) -> None:
    submitted = run("import mlflow\nwith mlflow.start_run():\n    pass\nraise SystemExit(3)", detach=True).record
    elsewhere = World.from_options({**real.options, "state_dir": str(tmp_path / "elsewhere")})
    launches.collect_until_settled(elsewhere, submitted.launch)
    engine.client.containers.get(f"training-{submitted.launch}").remove(force=True)
    record = launches.collect_until_settled(real.world, submitted.launch)
    assert (record.state, record.exit_code) == (RunState.FAILED, 3)
    assert "exit code 3" in record.reason


FAILS_ONCE = f"""{unaided.BEGINS}
import resource, socket
attempt = 2 if again else 1
print("attempt", attempt, socket.gethostname(), resource.getrlimit(resource.RLIMIT_NOFILE), os.environ["OVERLAID"])
if not again:
    raise SystemExit(3)
ended()
"""


def test_a_failure_is_tried_again_if_asked_in_a_container_as_the_overlay_says(run: Run) -> None:
    limits = {"Ulimits": [{"Name": "nofile", "Soft": 777, "Hard": 777}]}
    overlay = {"Hostname": "overlaid", "Env": ["OVERLAID=yes"], "HostConfig": limits}
    ended = run(FAILS_ONCE, retries=1, retry_failures=True, overlay=overlay)
    said = [line for line in ended.log.decode().splitlines() if line.startswith("attempt")]
    assert said == [f"attempt {number} overlaid (777, 777) yes" for number in (1, 2)]
    assert (ended.record.state, ended.record.exit_code, ended.record.attempts) == (RunState.FINISHED, 0, 2)
    assert [one.status for one in ended.record.mlflow_runs] == ["FINISHED"]


# ---- networks ----------------------------------------------------------------------------


def test_a_network_that_is_not_there_is_refused_and_not_made(world: World, run: Run, tmp_path: Path) -> None:
    target = TARGETS["docker"](world)
    assert isinstance(target, DockerTarget)
    (tmp_path / "train.py").write_text("pass")
    given = launches.training(world, {"script": str(tmp_path / "train.py"), "network": "samerun-mistyped"})
    for asked in (
        Launcher(world, given, lambda _line: None, lambda _piece: None).check,
        lambda: run("pass", network="samerun-mistyped"),
    ):
        with pytest.raises(SamerunError, match="Failed to find the network samerun-mistyped of training_network: "):
            asked()
    assert "samerun-mistyped" not in [network.name for network in target.client.networks.list()]
    assert target.launches() == []


# ---- images ------------------------------------------------------------------------------


@pytest.fixture
def foreign(engine: engines.DockerEngine) -> Iterator[str]:
    """An image of a processor that this machine is not."""
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(100)  # RISC-V, 64 bits
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        info = tarfile.TarInfo("bin/python")
        info.size, info.mode = len(elf), 0o755
        tar.addfile(info, io.BytesIO(elf))
    name = "samerun-test-foreign:1"
    engine.client.api.import_image_from_data(layer.getvalue(), repository="samerun-test-foreign", tag="1")
    yield name
    engine.client.images.remove(name, force=True)


@pytest.mark.parametrize(
    "image, python, words, hint",
    [
        ("samerun-test/nowhere:1", "", "pull the image samerun-test/nowhere:1", ""),
        ("127.0.0.1:1/nowhere:1", "", "the engine does not reach the registry", "docker pull"),
        ("{base}", "/no/such/python", "the image has no such interpreter", "training_python"),
        (f"{worlds.REGISTRY}/no/such:1", "", "there is no such image", "docker login"),
    ],
    ids=["unknown", "unreachable", "interpreter", "not found"],
)
def test_an_image_that_cannot_run_is_said_within_seconds(
    world: World, run: Run, engine: engines.DockerEngine, image: str, python: str, words: str, hint: str
) -> None:
    if image.startswith("/"):
        pytest.skip("needs a registry: set SAMERUN_TEST_REGISTRY")
    before = {container.id for container in engine.client.containers.list(all=True)}
    started = time.monotonic()
    with pytest.raises(SamerunError) as caught:
        run("pass", image=image.format(base=engine.client.images.get(images.BASE_IMAGE).id), python=python)
    assert time.monotonic() - started < 10
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert {container.id for container in engine.client.containers.list(all=True)} <= before


def test_an_image_of_another_processor(run: Run, foreign: str, engine: engines.DockerEngine) -> None:
    ended = run("pass", image=foreign)
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, None)
    assert ended.record.reason.startswith("The image could not start: it is for ")
    assert "docker version" in ended.record.hint
    assert engine.leftovers(ended.record.launch) == []


# ---- the engine --------------------------------------------------------------------------


def test_an_engine_that_goes_away_ends_the_play_and_not_the_run(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine, "patience", lambda _given: 1.0)
    with links.link(docker_engine.host()) as link:
        monkeypatch.setenv("DOCKER_HOST", link.url)
        submitted = run("import time\nprint('ready', flush=True)\ntime.sleep(4)\nprint('done')", detach=True).record
        following = TARGETS["docker"](world).follow(submitted.launch)
        shown = next(following)
        link.close()
        with pytest.raises(SamerunError, match="the Docker engine went away") as caught:
            next(following)
        assert caught.value.code == UNAVAILABLE
        assert "samerun status" in caught.value.hint
        with pytest.raises(SamerunError, match=r"Failed to talk to the Docker engine at .* nothing answers"):
            collector.collect(world)
    monkeypatch.delenv("DOCKER_HOST")
    _settled, alive = collector.collect(world)
    assert submitted.launch in [record.launch for record in alive]
    record = launches.collect_until_settled(world, submitted.launch)
    assert (record.state, record.exit_code) == (RunState.FINISHED, 0)
    assert shown == b"ready\n"
    assert world.folder(submitted.launch).log.read_bytes() == b"ready\ndone\n"
