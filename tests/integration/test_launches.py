"""Launches in the hands of people and programs: found again, followed, waited for and cancelled, on every target."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pty
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import engines
import launches
import psutil
import pytest
import worlds
from typed import Place, finish

import samerun
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach, collector
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from samerun import RunState, SamerunError

pytestmark = pytest.mark.usefixtures("nothing_goes_on", "swept")

DATA = Path(__file__).parent / "data"
COUNTS = str(DATA / "counts.py")
LINES = 120  # twelve seconds, in which a busy machine runs three commands


def lines(count: int) -> bytes:
    """What counts.py prints."""
    return b"".join(b"line %d\n" % number for number in range(count))


def trained(place: Place, started: subprocess.Popen[bytes]) -> str:
    """The launch that a command has started, once its first line is there."""
    assert started.stdout is not None
    assert started.stdout.readline() == b"line 0\n"
    return newest(place)["launch"]


def newest(place: Place) -> dict[str, Any]:
    found = json.loads(place.must("runs", "--json").out)[0]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def closed_terminal(place: Place) -> str:
    """A launch whose terminal was closed right after its first line."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *place.argv("train", COUNTS, "--", str(LINES), "5")],
        cwd=place.folder, env=place.environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while b"line 0" not in shown:
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    assert process.wait(10) != 0
    found = newest(place)
    assert found["state"] == "RUNNING"
    return str(found["launch"])


def test_a_closed_terminal_leaves_the_run_running_and_its_log_whole(place: Place, closed_terminal: str) -> None:
    seen = place.start("status")
    followers = [place.start("logs", "-f", closed_terminal[:-2]) for _ in range(2)]
    waiting = place.start("wait", "--json", closed_terminal)
    assert [finish(follower).out for follower in followers] == [lines(LINES)] * 2
    assert f"logs -f {closed_terminal}" in finish(seen).text
    ended = finish(waiting)
    assert ended.code == 5
    assert "exit code 5" in ended.err
    record = json.loads(ended.out)
    assert (record["launch"], record["state"], record["exit_code"]) == (closed_terminal, "FAILED", 5)
    assert place.must("logs", closed_terminal).out == lines(LINES)
    assert place.must("logs", "-f", closed_terminal).out == lines(LINES)
    assert "ended already: FAILED" in place.must("cancel", closed_terminal).err
    assert newest(place) == record


def test_a_run_whose_command_was_killed_is_cancelled_from_elsewhere(
    real: worlds.RealWorld, place: Place, elsewhere: Place
) -> None:
    process = place.start("train", COUNTS, "--", "3000", "0")
    launch = trained(place, process)
    process.kill()
    finish(process)
    so_far = place.must("logs", launch).out
    assert lines(3000).startswith(so_far)
    assert so_far
    # What Ansible started may have outlived its command: if it settles the launch first, its code is known there alone.
    ended = json.loads(elsewhere.must("cancel", "--json", launch).out)
    assert (ended["state"], ended["reason"]) == ("KILLED", "Cancelled by SIGTERM.")
    ended = place.run("wait", launch)
    assert ended.code == 143
    assert "Cancelled by SIGTERM" in ended.err
    kept = place.must("logs", launch).out
    assert kept.startswith(so_far)
    assert lines(3000).startswith(kept)
    engines.wait_until(lambda: not engines.engine_of(real.world).leftovers(launch), "nothing is left")


def test_a_program_holds_its_launch(place: Place, monkeypatch: pytest.MonkeyPatch, real: worlds.RealWorld) -> None:
    monkeypatch.chdir(place.folder)
    before = own()
    given = json.loads((place.folder / "samerun.json").read_text())
    there: Any = {"inventory": place.inventory[1], "variables": given}
    launch = samerun.submit(COUNTS, args=["10", "3"], **there)
    assert launch.state is RunState.RUNNING
    for wait in (launch.wait, functools.partial(samerun.wait, launch.id, **there)):
        with pytest.raises(SamerunError, match="still goes on after 0 s") as refused:
            wait(timeout=0)
        assert refused.value.code == os.EX_TEMPFAIL
    assert lines(10).startswith(samerun.logs(launch.id, **there))
    assert b"".join(launch.follow()) == launch.logs() == samerun.logs(launch.id, **there) == lines(10)
    record = launch.wait()
    assert (record.state, record.exit_code, launch.state) == (RunState.FAILED, 3, RunState.FAILED)
    assert samerun.wait(launch.id[:-1], **there) == samerun.cancel(launch.id, **there) == launch.cancel() == record
    assert samerun.runs(**there)[0] == record
    again = samerun.attach(launch.id, **there)
    assert (again.id, again.record, again.logs()) == (launch.id, record, lines(10))
    assert samerun.status(**there).running == []
    assert own() == before


def own() -> tuple[Any, ...]:
    """What belongs to a program itself."""
    handlers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    return os.getcwd(), dict(os.environ), handlers, signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_launch_that_is_cancelled_at_once_was_cancelled(
    place: Place, real: worlds.RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    given = json.loads((place.folder / "samerun.json").read_text())
    launch = samerun.submit(COUNTS, args=["3000", "0"], inventory=place.inventory[1], variables=given)
    record = samerun.cancel(launch.id, inventory=place.inventory[1], variables=given)
    assert record.state is RunState.KILLED
    assert "ancel" in record.reason
    assert b"line 200\n" not in launch.logs()
    engines.wait_until(lambda: not engines.engine_of(real.world).leftovers(launch.id), "nothing is left")


@pytest.mark.parametrize("real", ["process", "docker"], indirect=True)
def test_a_training_that_goes_on_is_joined_by_who_asks_for_the_same(real: worlds.RealWorld) -> None:
    given = {"training_script": COUNTS, "training_args": ["120", "0"], "training_always": False}
    given["training_requirements"] = str(worlds.ROOT / "trainer" / "requirements.txt")
    submitted = real.play("samerun.stack.train", **given, training_detach=True)
    assert (submitted.code, submitted.changed) == (0, 1), submitted.text
    before = {path.name for path in real.world.runs.iterdir()}
    joined = real.play("samerun.stack.train", **given)
    assert (joined.code, joined.changed) == (0, 0), joined.text
    assert "goes on already" in joined.text
    assert "line 119" in joined.text, "it is followed to its end"
    assert {path.name for path in real.world.runs.iterdir()} == before, "and no other was started"


@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_of_two_equal_trainings_that_begin_at_the_same_moment_one_joins_the_other(
    real: worlds.RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An environment that is made first: for seconds nothing goes on that could be joined.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "requirements.txt").write_text("# none\n")
    given = {
        "training_script": COUNTS, "training_args": ["5", "0"], "training_always": False,
        "training_requirements": str(tmp_path / "requirements.txt"),
    }  # fmt: skip
    places = [tmp_path / "one", tmp_path / "other"]  # their files of variables
    for place in places:
        place.mkdir()
    before = {path.name for path in real.world.runs.glob("*")}
    with ThreadPoolExecutor(2) as pool:
        plays = [dataclasses.replace(real, folder=place).play for place in places]
        played = [each.result() for each in [pool.submit(play, "samerun.stack.train", **given) for play in plays]]
    assert [play.code for play in played] == [0, 0], played
    assert sorted(play.changed for play in played) == [0, 1], played
    assert len({path.name for path in real.world.runs.glob("*")} - before) == 1, "one was started"
    assert list(real.world.state.glob(".*.lock")) == []


@pytest.mark.docker
@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_a_container_of_a_world_of_this_host_is_found_again(real: worlds.RealWorld) -> None:
    if reason := worlds.missing("docker"):
        pytest.skip(reason)
    given = {"script": COUNTS, "args": ["5", "3"], "requirements": str(worlds.ROOT / "trainer" / "requirements.txt")}
    record = launches.launch(real.world, **given, target="docker", network="host", detach=True).record
    assert attach.find([real.world], record.launch[:-1]).launch == record.launch
    ended = launches.collect_until_settled(real.world, record.launch)
    assert (ended.state, ended.exit_code) == (RunState.FAILED, 3)
    assert real.world.folder(record.launch).log.read_bytes() == lines(5)
    assert [target.NAME for target in collector.targets(real.world)] == ["process"]


def test_launches_of_one_name_from_threads_and_shells_are_independent(
    place: Place, real: worlds.RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    given = json.loads((place.folder / "samerun.json").read_text())
    records: list[samerun.RunRecord] = []

    def one(code: int) -> None:
        launch = samerun.submit(COUNTS, args=["5", str(code)], inventory=place.inventory[1], variables=given)
        records.append(launch.wait())

    threads = [threading.Thread(target=one, args=(code,)) for code in (11, 12, 13)]
    shells = [place.start("train", COUNTS, "--", "5", str(code)) for code in (14, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [finish(shell).code for shell in shells] == [14, 15]
    assert sorted(record.exit_code or 0 for record in records) == [11, 12, 13]
    assert len({record.launch for record in records}) == 3
    logs = {real.world.folder(record.launch).log.read_bytes() for record in records}
    assert logs == {lines(5)}


def test_a_reader_that_stops_reading_stops_no_script_and_costs_no_memory(real: worlds.RealWorld, place: Place) -> None:
    loud = "for n in range(1, 80_000): print('line', n, 'x' * 88)\n"
    text = f"import time\nprint('line 0', flush=True)\ntime.sleep(2)\n{loud}"
    train = place.start("train", place.write("loud.py", text))
    launch = trained(place, train)
    follower = place.start("logs", "-f", launch)
    assert follower.stdout is not None
    assert follower.stdout.readline() == b"line 0\n"
    before = memory(train) + memory(follower)
    target = TARGETS[real.target](real.world)
    engines.wait_until(lambda: target.outcome(launch), "the script is done although nobody reads")
    assert memory(train) + memory(follower) - before < 4e6  # of 8 MB that wait to be read
    follower.stdout.close()
    ended = finish(train)
    assert (ended.code, ended.out.count(b"\n")) == (0, 79_999)
    with follower:
        assert follower.wait(20) == 128 + signal.SIGPIPE
    assert ended.text.splitlines() == [f"line {n} {'x' * 88}" for n in range(1, 80_000)]


def memory(command: subprocess.Popen[bytes]) -> int:
    """Bytes of a command and of all that it started."""
    process = psutil.Process(command.pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))
