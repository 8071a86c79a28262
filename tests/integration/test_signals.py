"""Ctrl+C and SIGTERM, to whatever holds a run, on every target: the script gets them, and nothing goes on after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import engines
import psutil
import pytest
import worlds
from plays import argv, environ
from typed import ROOT, Place, finish

from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import tracking
from samerun import RunState

pytestmark = pytest.mark.usefixtures("nothing_goes_on")

SCRIPT = str(Path(__file__).parent / "data" / "open_run.py")
APART = 1.2  # seconds; signals that come within one second count as one wish
HOST = """\
import json, signal, sys
import samerun
script, inventory, variables, own = sys.argv[1:]
def caught(number, _frame):
    print("own handler got", number, flush=True)
if own:
    signal.signal(signal.SIGTERM, caught)
record = samerun.run(
    script, args=["heed"], inventory=inventory, variables=json.load(open(variables)),
    log=lambda found: print(found.decode(), end="", flush=True),
)
print(record.state, record.reason, flush=True)
"""


@dataclass
class Run:
    """A run in the hands of a process, whose script has opened its MLflow run."""

    real: worlds.RealWorld
    held_by: subprocess.Popen[bytes]
    launch: str = ""

    def __post_init__(self) -> None:
        assert self.held_by.stdout is not None
        shown = b""
        while b"run is open" not in shown:
            piece = self.held_by.stdout.readline()
            assert piece, shown
            shown += piece
        (going_on,) = collector.collect(self.real.world)[1]
        self.launch = going_on.launch

    def assert_over(self, reason: str, code: int) -> None:
        """The record says so, MLflow too, and nothing of the run goes on anywhere."""
        world, engine = self.real.world, engines.engine_of(self.real.world)
        record = engines.wait_until(lambda: collector.settled(world, self.launch), "it is settled", 20)
        engines.wait_until(lambda: not engine.leftovers(self.launch), "nothing is left in the engine", 20)
        assert (record.state, record.reason) == (RunState.KILLED, reason)
        assert record.exit_code == code
        assert [run.status for run in record.mlflow_runs] == ["KILLED"]
        assert open_runs(self.real) == []


def open_runs(real: worlds.RealWorld) -> list[str]:
    """The launches whose MLflow runs are RUNNING."""
    found = tracking.Tracking(real.world.mlflow.url("host")).runs("attributes.status = 'RUNNING'")
    return [tracking.tag(run, tracking.LAUNCH_TAG) for run in found]


def signalled(process: subprocess.Popen[bytes], number: int) -> None:
    """As a terminal does it: everything in the foreground gets it."""
    os.killpg(process.pid, number)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
def test_a_signal_reaches_the_script_and_stops_it_all(
    real: worlds.RealWorld, place: Place, number: signal.Signals, code: int
) -> None:
    run = Run(real, place.start("train", SCRIPT, "--", "heed"))
    signalled(run.held_by, number)
    ended = finish(run.held_by)
    assert ended.code == code
    assert ended.text == f"got {number.name}\n"
    assert "Traceback" not in ended.err
    run.assert_over(f"Cancelled by {number.name}.", 7)


def test_ctrl_c_right_after_the_submit_ends_it_all(real: worlds.RealWorld, place: Place) -> None:
    engine = engines.engine_of(real.world)
    process = place.start("train", SCRIPT, "--", "heed")
    engines.wait_until(engine.leftovers, "something of it is there")
    signalled(process, signal.SIGINT)
    ended = finish(process)
    assert ended.code == 130, ended.err
    record = next(collector.records(real.world))
    assert (record.name, record.state, "Cancelled by SIGINT" in record.reason) == ("open_run", RunState.KILLED, True)
    engines.wait_until(lambda: not engine.leftovers(), "nothing is left in the engine", 20)
    assert open_runs(real) == []


def test_a_second_ctrl_c_ends_a_stubborn_script_at_once(real: worlds.RealWorld, place: Place) -> None:
    run = Run(real, place.start("train", SCRIPT, "--", "ignore"))
    signalled(run.held_by, signal.SIGINT)
    assert run.held_by.stdout is not None
    assert run.held_by.stdout.readline() == b"got SIGINT\n"
    with pytest.raises(subprocess.TimeoutExpired):
        run.held_by.wait(APART)
    signalled(run.held_by, signal.SIGINT)
    ended = finish(run.held_by)
    assert (ended.code, ended.text) == (130, "")
    run.assert_over("Cancelled by SIGINT.", 137)


def test_a_second_cancel_from_elsewhere_ends_a_stubborn_script_at_once(
    real: worlds.RealWorld, place: Place, elsewhere: Place
) -> None:
    run = Run(real, place.start("train", SCRIPT, "--", "ignore"))
    first = elsewhere.start("cancel", run.launch)
    assert run.held_by.stdout is not None
    assert run.held_by.stdout.readline() == b"got SIGTERM\n"
    assert first.poll() is None
    assert "KILLED" in elsewhere.must("cancel", run.launch).err
    watched = finish(run.held_by)
    assert (finish(first).code, watched.code) == (0, 143)
    assert "Cancelled by SIGTERM" in watched.err
    run.assert_over("Cancelled by SIGTERM.", 137)


@pytest.mark.parametrize("number, own", [(signal.SIGTERM, "own handler"), (signal.SIGINT, "")])
def test_a_signal_to_a_program_reaches_its_script_first(
    real: worlds.RealWorld, place: Place, number: signal.Signals, own: str
) -> None:
    host = place.folder / place.write("host.py", HOST)
    given = place.folder / "samerun.json"
    program = subprocess.Popen(
        [sys.executable, host, SCRIPT, place.inventory[1], given, own], cwd=place.folder, env=place.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    run = Run(real, program)
    signalled(program, number)
    ended = finish(program)
    reason = f"Cancelled by {number.name}."
    after = ["own handler got 15", f"KILLED {reason}"] if own else []
    assert (ended.code, ended.text.splitlines()) == (0 if own else -number, [f"got {number.name}", *after])
    run.assert_over(reason, 7)


@pytest.mark.parametrize(
    "real, number, code",
    [
        pytest.param(target, number, code, marks=getattr(pytest.mark, target), id=f"{target}-{number.name}")
        for target, number, code in (
            ("process", signal.SIGINT, 99),
            ("process", signal.SIGTERM, -15),
            ("docker", signal.SIGTERM, -15),
            ("kubernetes", signal.SIGINT, 99),
        )
    ],
    indirect=["real"],
)
def test_a_signal_to_ansible_playbook_reaches_the_script_and_stops_the_play(
    real: worlds.RealWorld, place: Place, number: signal.Signals, code: int
) -> None:
    process = played(place, "heed")
    run = Run(real, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    signalled(process, number)
    assert finish(process).code == code
    run.assert_over(f"Cancelled by {number.name}.", 7)
    assert psutil.wait_procs(workers, timeout=20)[1] == []


@pytest.mark.parametrize("real", [pytest.param("process", marks=pytest.mark.process)], indirect=True)
def test_a_second_ctrl_c_to_ansible_playbook_ends_a_stubborn_script_at_once(
    real: worlds.RealWorld, place: Place
) -> None:
    process = played(place, "ignore")
    run = Run(real, process)
    signalled(process, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):  # it shows no line any more
        process.wait(APART)
    signalled(process, signal.SIGINT)
    assert finish(process).code == -signal.SIGINT
    run.assert_over("Cancelled by SIGINT.", 137)


def played(place: Place, how: str) -> subprocess.Popen[bytes]:
    """A play that trains the script; its log is among what Ansible says."""
    inventory = worlds.ROOT / "inventories" / place.inventory[1]
    given = json.dumps({"training_script": SCRIPT, "training_args": [how]})
    return subprocess.Popen(
        argv("train", "-i", str(inventory), *place.inventory[2:], "-e", given), cwd=ROOT, env=environ(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
