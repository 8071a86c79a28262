"""The commands about launches: what they print, and that they end as the script did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from samerun import cli, launch_commands, worlds


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeTarget:
    """The target of the only world of every inventory, with one launch's log."""
    world = samples.world(tmp_path, mlflow={"endpoint": "http://127.0.0.1:1"})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(worlds, "load", lambda _inventory, _variables: [world])
    fakes.host(monkeypatch, world)
    found = fakes.target(monkeypatch, world)
    found.logs[samples.LAUNCH] = b"one\n\xff\n"
    return found


def run(*typed: str) -> int:
    code: int = getattr(launch_commands, typed[0])(cli.parse(list(typed)))
    return code


def test_a_log_is_printed_byte_for_byte(target: fakes.FakeTarget, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    target.add()
    assert run("logs", samples.LAUNCH) == 0
    assert capfdbinary.readouterr().out == b"one\n\xff\n"


def test_who_stops_looking_is_told_that_the_launch_goes_on(
    target: fakes.FakeTarget, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_launch: str) -> Iterator[bytes]:
        raise KeyboardInterrupt
        yield b""

    target.add()
    monkeypatch.setattr(target, "follow", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("logs", "-f", samples.LAUNCH)
    assert capsys.readouterr().err == f"samerun: The launch goes on: samerun wait {samples.LAUNCH}\n"


def test_waiting_ends_as_the_script_did(target: fakes.FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    target.add(state=RunState.FINISHED)
    assert run("wait", samples.LAUNCH) == 0
    failed = "train-20260102-000000-bbbb"
    target.add(failed, state=RunState.FAILED)
    with pytest.raises(SamerunError, match=f"Failed to train train.py \\({failed}\\)") as caught:
        run("wait", failed, "--json")
    assert caught.value.code == 1
    assert json.loads(capsys.readouterr().out)["state"] == "FAILED"


def test_a_launch_that_has_ended_is_not_cancelled(target: fakes.FakeTarget, capsys: pytest.CaptureFixture[str]) -> None:
    target.add(state=RunState.FINISHED)
    assert run("cancel", samples.LAUNCH) == 0
    assert capsys.readouterr().err == f"samerun: {samples.LAUNCH} ended already: FINISHED\n"
    assert [line for line in target.asked if line.startswith("signal")] == []


def test_runs_are_a_list_in_json_also_where_there_is_one(
    target: fakes.FakeTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("runs") == 0
    assert capsys.readouterr().out == "nothing was trained yet\n"
    target.add()
    run("runs", "--json")
    (record,) = json.loads(capsys.readouterr().out)
    assert (record["launch"], record["state"]) == (samples.LAUNCH, "RUNNING")
