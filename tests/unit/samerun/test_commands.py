"""What commands print: what is, how to go on, and nothing else on standard output."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import USAGE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import MlflowRun, RunState
from samerun import cli, commands, plays, world_status, worlds
from samerun.player import Played
from samerun.variables import Variables

ENDED = {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:02Z"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Variables, tuple[str, ...]]]:
    """Playbooks about services that were played; each gives what all of them give."""
    found: list[tuple[str, Variables, tuple[str, ...]]] = []
    results: list[tuple[str, dict[str, Any]]] = [
        ("samerun.stack.preflight", {"consoles": ["http://x:9001"]}),
        ("samerun.stack.world_contract", {"urls": {"mlflow": "http://x:1", "object_store": "http://x:2"}}),
        ("samerun.stack.world_teardown", {"removed": ["program minio"]}),
        ("samerun.stack.env_contract", {"names": ["A", "SECRET"], "plain": {"A": "1"}, "probed": ["MLflow"]}),
    ]

    def play(
        playbook: str, _inventory: str, variables: Variables, _watcher: Any, _verbosity: int, *flags: str
    ) -> Played:
        found.append((playbook, variables, flags))
        return Played(results=results)

    monkeypatch.setattr(plays, "services", play)
    return found


def run(*typed: str) -> int:
    options = cli.parse(list(typed))
    code: int = getattr(commands, typed[0])(options)
    return code


def test_up_says_where_services_are_and_how_to_go_on(played: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("up", "-i", "local", "-e", "mlflow_port=1") == 0
    assert capsys.readouterr().out.splitlines() == [
        "MLflow      http://x:1", "S3 store    http://x:2", "S3 console  http://x:9001",
        "Train with  samerun -i local -e mlflow_port=1 train train.py",
        "Stop with   samerun -i local -e mlflow_port=1 down",
    ]  # fmt: skip


def test_a_prediction_says_that_it_is_one(played: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    run("up", "--check", "--diff")
    assert played[0][2] == ("--check", "--diff")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "samerun: This was a prediction; nothing was started.\n")


def test_check_shows_no_secret(played: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    run("check")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["A", "1"], ["SECRET", "(set)"], ["MLflow", "answers."],
    ]  # fmt: skip


def test_down_says_what_went_and_that_data_stays(played: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    run("down")
    assert capsys.readouterr().out.splitlines() == [
        "Removed program minio", "Data and keys stay: samerun up continues, samerun down --purge removes them",
    ]  # fmt: skip
    assert played[0][1].literals == {"samerun_purge": False}


def test_a_purge_without_a_terminal_must_be_said(played: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    with pytest.raises(SamerunError, match="--purge --yes") as caught:
        run("down", "--purge")
    assert (caught.value.code, played) == (USAGE, [])
    run("down", "--purge", "--yes")
    assert played[0][1].literals == {"samerun_purge": True}


@pytest.mark.parametrize("answer", ["yes\n", "y\n", ""])
def test_a_purge_at_a_terminal_asks(played: list[Any], monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    if answer == "yes\n":
        run("down", "--purge")
    else:
        with pytest.raises(SamerunError, match="it was not confirmed"):
            run("down", "--purge")
    assert bool(played) is (answer == "yes\n")


def test_status_shows_services_and_the_newest_launches(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world = samples.world(here)
    records = [samples.record(f"train-{number:02}", state=RunState.FINISHED, **ENDED) for number in range(12)]
    service = world_status.ServiceStatus("mlflow", "running", "http://x:1")
    seen = world_status.WorldStatus("w", "process", [service], records, [samples.record(state=RunState.FAILED)])
    monkeypatch.setattr(worlds, "load", lambda _inventory, _variables: [world])
    monkeypatch.setattr(world_status, "read", lambda _world: seen)
    run("status")
    shown = capsys.readouterr()
    assert shown.out.splitlines()[:3] == [
        "w (process)", "  mlflow      running     http://x:1", "  train-00  FINISHED        2.0 s",
    ]  # fmt: skip
    assert len(shown.out.splitlines()) == 12
    assert shown.err == f"samerun: {samples.LAUNCH} ended unwatched: FAILED\n"
    run("status", "--json")
    assert len(json.loads(capsys.readouterr().out)["launches"]) == 12


def test_a_launch_that_goes_on_says_how_to_see_more() -> None:
    options = cli.parse(["-i", "k8s", "runs"])
    (line,) = commands.launch_lines([samples.record("x", state=RunState.RUNNING)], options)
    assert line == "x  RUNNING   samerun -i k8s logs -f x"
    assert commands.launch_lines([], options) == ["nothing was trained yet"]


@pytest.mark.parametrize(
    "known, lines",
    [
        (
            {**ENDED, "state": RunState.FINISHED},
            ["x FINISHED after 2.0 s", "  0 MLflow runs recorded", "  record      /r"],
        ),
        (
            {**ENDED, "mlflow_runs": [MlflowRun("r", "e", "FINISHED", url="http://run")]},
            ["x PENDING after 2.0 s", "  MLflow run  http://run", "  record      /r"],
        ),
        ({"state": RunState.RUNNING}, ["x RUNNING", "  it goes on; see its log with samerun logs -f x"]),
    ],
    ids=["without a run", "with a run", "goes on"],
)
def test_a_launch_is_summed_up(known: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    commands.tell(samples.record("x", **known), "/r", cli.parse(["wait"]))
    shown = capsys.readouterr()
    assert (shown.out, shown.err.removeprefix("samerun: ").splitlines()) == ("", lines)


def test_one_thing_is_no_list_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    commands.print_json([{"a": 1}])
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    commands.print_json([{"a": 1}, {"b": 2}])
    assert json.loads(capsys.readouterr().out) == [{"a": 1}, {"b": 2}]


def test_the_samerun_yml_beside_a_script_elsewhere_is_named_for_the_next_command(here: Path) -> None:
    (here / "project").mkdir()
    (here / "project" / "samerun.yml").touch()
    assert commands.command(cli.parse(["train", "project/train.py"]), "runs") == "samerun -e @project/samerun.yml runs"
    assert commands.command(cli.parse(["train", "train.py"]), "runs") == "samerun runs"
