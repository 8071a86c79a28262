"""A run whose Docker engine was killed: what is said of it, what stays, and that it goes on where that was asked."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dockerds
import engines
import launches
import machines
import pytest
import unaided
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker.target import DockerTarget

pytestmark = pytest.mark.parametrize("real", ["docker"], indirect=True)
_BRIDGE = f"srtest{worlds.SLOT}"
SCRIPT = f"""{unaided.BEGINS}
print("goes on" if again else "begins", flush=True)
time.sleep(0 if again else 120)
ended()
"""


@pytest.fixture
def own() -> Iterator[dockerds.Dockerd]:
    """An engine on this machine's network that has an image with Python in it."""
    if reason := dockerds.missing() or ("" if shutil.which("ip") else "needs ip: apt install iproute2"):
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="dk-"))  # a socket's name must be short
    subprocess.run(["ip", "link", "add", _BRIDGE, "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", f"10.213.{worlds.SLOT}.1/24", "dev", _BRIDGE], check=True)
    try:
        with dockerds.dockerd(folder, 1500, _BRIDGE) as made:
            there = engine.connect(made.url)
            there.images.load(machines.docker_client().images.get(images.BASE_IMAGE).save(named=images.BASE_IMAGE))
            there.close()
            yield made
    finally:
        subprocess.run(["ip", "link", "delete", _BRIDGE], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def lost(own: dockerds.Dockerd, world: World, tmp_path: Path) -> World:
    """The world as it is seen from there: its services by this machine's ports, nothing of its own state."""
    state = tmp_path / "state"
    state.mkdir()
    shutil.copy(world.state / "credentials.json", state)
    return replace(world, docker_host=own.url, state=state)


def test_a_run_whose_engine_was_killed_is_told_and_goes_on_if_asked(
    own: dockerds.Dockerd, lost: World, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    given = {"script": str(tmp_path / "train.py"), "image": images.BASE_IMAGE, "network": "host", "detach": True}
    once, twice = (launches.launch(lost, **given, retries=retries).record for retries in (0, 1))
    target = DockerTarget(lost)
    for launch in (once.launch, twice.launch):
        engines.wait_until(lambda launch=launch: b"begins" in b"".join(target.log(launch)), f"{launch} begins")
    target.close()
    own.kill()
    own.start()
    ended, went_on = launches.collect_all(lost, [once.launch, twice.launch], 90)
    assert (ended.state, ended.attempts) == (RunState.KILLED, 1)
    assert ended.reason == "The container went down with its engine, which was started again since."
    assert "samerun train" in ended.hint
    assert (went_on.state, went_on.exit_code, went_on.attempts) == (RunState.FINISHED, 0, 2), went_on.reason
    assert [[run.status for run in one.mlflow_runs] for one in (ended, went_on)] == [["KILLED"], ["FINISHED"]]
    logs = [lost.folder(one.launch).log.read_text().splitlines() for one in (ended, went_on)]
    said = [[line for line in lines if not line.startswith("samerun: ")] for lines in logs]
    assert said == [["begins"], ["begins", "goes on"]]
    assert engines.engine_of(lost).leftovers() == []
