"""What is typed is read as it was meant, or refused in one line."""

from __future__ import annotations

import argparse
import importlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import errors
from ansible_collections.samerun.stack.plugins.module_utils.errors import SOFTWARE, USAGE, SamerunError
from samerun import cli, commands
from samerun.interrupts import Cancelled


@pytest.mark.parametrize("typed", [["-i", "local", "up"], ["up", "-i", "local"], ["-i", "k8s", "up", "-i", "local"]])
def test_inventory_stands_before_the_verb_or_behind_it(typed: list[str]) -> None:
    assert cli.parse(typed).inventory == "local"


def test_inventory_is_process_unless_one_is_named() -> None:
    assert cli.parse(["status"]).inventory == "process"


def test_variables_and_verbosity_add_up_from_both_sides_of_the_verb() -> None:
    options = cli.parse(["-v", "-e", "a=1", "train", "-vv", "-e", "b=2", "-e", "c=3"])
    assert options.variables == ["a=1", "b=2", "c=3"]
    assert options.verbosity == 3


def test_all_behind_the_dashes_is_the_scripts() -> None:
    options = cli.parse(["train", "x.py", "--", "-i", "--", "", "{{ a }}", "--detach"])
    assert options.args == ["-i", "--", "", "{{ a }}", "--detach"]
    assert options.inventory == "process"
    assert not options.detach


def test_a_launch_may_be_named_or_left_out() -> None:
    assert cli.parse(["logs", "-f", "train-2026"]).launch == "train-2026"
    assert (cli.parse(["wait"]).launch, cli.parse(["logs", "-f"]).follow, cli.parse(["logs"]).follow) == (
        "",
        True,
        False,
    )


def test_every_command_is_there() -> None:
    verbs = cli.parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    for verb in verbs or ():
        options = cli.parse([verb, *(["x"] if verb == "inventory" else [])])
        assert callable(getattr(importlib.import_module(f"samerun.{options.module}"), options.run)), verb


def test_script_may_be_left_out_before_the_dashes() -> None:
    options = cli.parse(["train", "--", "--epochs", "3"])
    assert options.script == ""
    assert options.args == ["--epochs", "3"]


@pytest.mark.parametrize(
    "typed, words",
    [
        (["trian"], ["trian", "Did you mean samerun train?"]),
        (["train", "train.py", "--epochs", "3"], ["--epochs", "behind --"]),
        (["up", "--purge"], ["--purge", "samerun up --help"]),
        (["up", "--", "x"], ["only train"]),
        (["-i"], ["-i", "samerun --help"]),
        (["inventory"], ["NAME", "samerun inventory --help"]),
        (["down", "--pur"], ["--pur"]),
        (["logs", "one", "two"], ["two", "samerun logs --help"]),
        (["lgos"], ["Did you mean samerun logs?"]),
        (["cancel", "--", "x"], ["only train"]),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    typed: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(typed) == USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith("samerun: Failed to read the command line: ")
    assert [word for word in words if word not in shown.err] == []


def test_nothing_typed_shows_the_help_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == USAGE
    assert "samerun train train.py" in capsys.readouterr().err


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `status` raise something."""

    def becomes(error: BaseException) -> None:
        def fail(_options: argparse.Namespace) -> int:
            raise error

        monkeypatch.setattr(commands, "status", fail)

    return becomes


def test_a_refusal_ends_with_its_own_code_and_hint(
    command: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(SamerunError("Failed to x: y.", "Type z.", 73))
    assert cli.main(["status"]) == 73
    assert capsys.readouterr().err == "samerun: Failed to x: y. Type z.\n"


def test_a_defect_is_one_line_too(command: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]) -> None:
    command(ValueError("first\nsecond"))
    assert cli.main(["status"]) == SOFTWARE
    assert capsys.readouterr().err.splitlines() == [
        "samerun: Failed to go on: ValueError: first second. This is a defect of samerun; -vvv shows more."
    ]


def test_only_vvv_shows_a_traceback(
    command: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(ValueError("x"))
    cli.main(["status", "-vv"])
    assert "Traceback" not in capsys.readouterr().err
    cli.main(["status", "-vvv"])
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, code", [(KeyboardInterrupt(), 130), (Cancelled(signal.SIGINT), 130), (Cancelled(signal.SIGTERM), 143)]
)
def test_what_was_cancelled_ends_with_the_signals_code(
    command: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    command(error)
    assert cli.main(["status"]) == code
    assert capsys.readouterr().err == "samerun: Cancelled.\n"


def test_help_waits_for_nothing_heavy(root: Path) -> None:
    heavy = ("ansible", "ansible_runner", "yaml", "docker", "kubernetes", "boto3", "mlflow")
    program = (
        f"import sys; sys.path.insert(0, {str(root / 'src')!r})\n"
        "from samerun import cli\n"
        "try:\n    cli.main(['train', '--help'])\n"
        f"except SystemExit:\n    print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "SCRIPT" in ended.stdout
    assert ended.stderr == "[]\n"


def test_every_exit_code_is_in_the_help_and_in_the_readme(root: Path) -> None:
    ours = [value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)]
    known = {*map(str, ours), "130", "143"}
    assert "64" in known
    table = (root / "README.md").read_text().partition("## Faults and exit codes")[2].partition("## ")[0]
    for text in (cli.parser().format_help(), table):
        assert [code for code in sorted(known) if not re.search(rf"\b{code}\b", text)] == []


def test_commands_in_a_hint_are_those_for_the_same_world(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_options: argparse.Namespace) -> int:
        raise SamerunError(
            "Failed to train: samerun up.", "Is it started? samerun up, or the playbook samerun.stack", 69
        )

    monkeypatch.setattr(commands, "train", refuse)
    typed = ["-i", "local", "-e", "samerun_world=my one", "-e", "mlflow_password=c4n4ry", "-e", "@a file.yml", "train"]
    assert cli.main(typed) == 69
    assert capsys.readouterr().err == (
        "samerun: Failed to train: samerun up. Is it started? samerun -i local -e 'samerun_world=my one' "
        "-e '@a file.yml' up, or the playbook samerun.stack\n"
    )
    assert cli.main(["train"]) == 69
    assert "Is it started? samerun up, or" in capsys.readouterr().err


def test_hints_about_a_script_elsewhere_name_the_variables_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    for folder in (tmp_path, tmp_path / "there"):
        (folder / "samerun.yml").write_text("samerun_world: x\n")
    assert commands.command(cli.parse(["train", "there/train.py"]), "runs") == "samerun -e @there/samerun.yml runs"
    assert commands.command(cli.parse(["train", "train.py"]), "runs") == "samerun runs"
