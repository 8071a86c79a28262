"""A Docker host that is reached by SSH, for services and runs; nothing of ours is there."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import addresses
import engines
import launches
import logins
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_PERMISSION, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS

pytestmark = pytest.mark.docker
REQUIREMENTS = str(worlds.ROOT / "trainer" / "requirements.txt")
SCRIPT = """
import sys, time, mlflow
with mlflow.start_run():
    mlflow.log_metric("loss", 0.5)
print("lines", flush=True)
for number in range(30):
    print("line", number, flush=True)
    time.sleep(0.1)
sys.exit(3)
"""


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[logins.Login]:
    """A server whose `docker` is this machine's engine, and an ssh command that gets in."""
    if reason := worlds.missing("docker") or logins.missing():
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch, logins.login(tmp_path_factory.mktemp("login")) as made:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def variables(login: logins.Login) -> dict[str, Any]:
    """Of a world on that host, which publishes its services at the address of the engine's bridge."""
    with_engine = engine.connect()
    bridge = addresses.gateway(with_engine.networks.get("bridge"))
    with_engine.close()
    names = {name: f"{name.partition('_')[0]}-ssh{worlds.SLOT}" for name in ("mlflow_name", "object_store_name")}
    ports = {"mlflow_port": 5451, "object_store_port": 9451, "object_store_console_port": 9452}
    return {
        "samerun_world": f"ssh{worlds.SLOT}", "samerun_network": f"samerun-ssh{worlds.SLOT}", **names,
        **{name: port + 1000 * worlds.SLOT for name, port in ports.items()},
        "samerun_docker_host": login.url, "samerun_bind": bridge,
    }  # fmt: skip


@pytest.fixture(scope="module")
def real(variables: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.RealWorld]:
    made = worlds.set_up("docker", tmp_path_factory.mktemp("ssh"), **variables)
    yield made
    worlds.tear_down(made)


def test_a_training_runs_there_and_its_log_survives_a_cut(
    real: worlds.RealWorld, login: logins.Login, tmp_path: Path
) -> None:
    world = real.world
    (tmp_path / "train.py").write_text(SCRIPT)
    given = {"script": str(tmp_path / "train.py"), "requirements": REQUIREMENTS}
    submitted = launches.launch(world, detach=True, **given).record
    log, cuts = b"", 0
    for piece in TARGETS["docker"](world).follow(submitted.launch):
        log += piece
        if log.count(b"\nline ") >= 8 * (cuts + 1) and cuts < 2:
            cuts += 1
            login.drop()
    lines = b"".join(b"line %d\n" % number for number in range(30))
    assert (cuts, log.partition(b"lines\n")[2]) == (2, lines)
    record = launches.collect_until_settled(world, submitted.launch)
    assert (record.state, record.exit_code) == (RunState.FAILED, 3)
    (run,) = record.mlflow_runs
    assert (run.metrics, run.url.startswith(f"http://{world.bind}:")) == ({"loss": 0.5}, True)
    assert world.folder(record.launch).log.read_bytes() == log
    assert engines.engine_of(world).leftovers(record.launch) == []


def test_a_signal_reaches_a_script_there(real: worlds.RealWorld, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)")
    submitted = launches.launch(
        real.world, detach=True, script=str(tmp_path / "train.py"), requirements=REQUIREMENTS
    ).record
    target = TARGETS["docker"](real.world)
    for piece in target.follow(submitted.launch):
        if b"ready" in piece:
            target.cancel(submitted.launch, signal.SIGTERM)
    record = launches.collect_until_settled(real.world, submitted.launch)
    assert (record.state, record.exit_code) == (RunState.KILLED, 128 + signal.SIGTERM)


def test_what_is_up_there_is_left_alone(real: worlds.RealWorld) -> None:
    played = real.play("samerun.stack.services")
    assert (played.code, played.changed) == (0, 0), played.text


@pytest.mark.parametrize(
    "given, words",
    [
        ({"volumes": ["{folder}:/data"]}, r"training_volumes \(.*has no folder of this host"),
        ({"delivery": "mount"}, r"training_delivery \(mount\) is set.*has no folder of this host"),
    ],
    ids=["volume", "mount"],
)
def test_folders_of_this_host_are_refused(
    real: worlds.RealWorld, tmp_path: Path, given: dict[str, Any], words: str
) -> None:
    (tmp_path / "train.py").write_text("pass")
    filled = {
        name: [one.format(folder=tmp_path) for one in value] if name == "volumes" else value
        for name, value in given.items()
    }
    with pytest.raises(SamerunError, match=words):
        launches.launch(real.world, script=str(tmp_path / "train.py"), requirements=REQUIREMENTS, **filled)


def test_services_that_nobody_here_could_reach_are_refused(real: worlds.RealWorld) -> None:
    started = time.monotonic()
    played = real.play("samerun.stack.services", "--check", samerun_bind="127.0.0.1")
    assert time.monotonic() - started < 10
    assert played.code != 0
    assert "samerun_bind is 127.0.0.1, and with the engine at ssh://" in played.text
    assert "Set samerun_bind to an address of that machine" in played.text


def test_a_host_that_does_not_let_us_in_is_one_line(login: logins.Login) -> None:
    lines = {
        login.url.replace("//", "//nobody-", 1): ("does not let us in", "ssh-copy-id", NO_PERMISSION),
        f"{login.url}/no/such.sock": ("its socket there does not answer", "docker version", NO_PERMISSION),
        "ssh://127.0.0.1:1": ("Connection refused", "ssh -p 1 127.0.0.1 true", UNAVAILABLE),
        "ssh://nowhere.invalid": ("no host of that name", "samerun_docker_host", UNAVAILABLE),
    }
    for address, (cause, hint, code) in lines.items():
        started = time.monotonic()
        with pytest.raises(SamerunError) as caught:
            engine.connect(address)
        assert time.monotonic() - started < 10
        assert cause in caught.value.message
        assert hint in caught.value.hint
        assert caught.value.code == code


def test_a_host_that_goes_away_ends_the_play_and_not_the_run(
    real: worlds.RealWorld, login: logins.Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "patience", lambda _given: 1.0)
    (tmp_path / "train.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)")
    submitted = launches.launch(
        real.world, detach=True, script=str(tmp_path / "train.py"), requirements=REQUIREMENTS
    ).record
    following = TARGETS["docker"](real.world).follow(submitted.launch)
    assert next(following) == b"ready\n"
    login.stop()
    try:
        with pytest.raises(SamerunError, match="the Docker engine went away") as caught:
            next(following)
        assert caught.value.code == UNAVAILABLE
        with pytest.raises(SamerunError, match="Failed to reach the Docker engine at ssh://"):
            collector.collect(real.world)
    finally:
        login.start()
    _settled, alive = collector.collect(real.world)
    assert submitted.launch in [record.launch for record in alive]
    TARGETS["docker"](real.world).cancel(submitted.launch, signal.SIGTERM)
    assert launches.collect_until_settled(real.world, submitted.launch).state is RunState.KILLED
