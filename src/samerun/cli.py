"""The command line: calls the function of a command, and turns an error into one line and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import gc
import importlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from ansible_collections.samerun.stack.plugins.module_utils.errors import SOFTWARE, USAGE, SamerunError
from samerun import __version__

_ABOUT = """\
One unchanged train.py: as a process, in Docker and on Kubernetes, with MLflow and an S3 store set up for it.

  samerun up                     start MLflow and an S3 store as plain processes
  samerun train train.py         train, in the same world
  samerun logs -f                see what the newest launch says; runs, wait and cancel know it too
  samerun -i local up            the same as containers (-i k8s: in a Kubernetes cluster)
  eval "$(samerun env)"          so that plain `python train.py` lands in the same MLflow
"""
_CODES = """\
exit codes: train and wait end as the script did; 64 what was typed, 65 a value or script, 66 a missing file, inventory
or launch, 69 a service or engine, 70 a defect, 73 something foreign in the way, 75 try again, 77 no permission,
78 a variable; 130 and 143 when cancelled.
"""
# Imports make many objects, but no garbage. With Python's own thresholds, the search for garbage takes a tenth of the
# time that a launch needs to start.
_RARELY = (200_000, 50, 50)
# A samerun command in a hint; whoever wrote the hint did not know the inventory, so it is completed.
_COMMAND = re.compile(r"\bsamerun (up|down|train|check|status|runs|logs|wait|cancel)\b(?=$|[ ,;.)]+)")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SamerunError(f"Failed to read the command line: {message}.", f"See {self.prog} --help", USAGE)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            close = difflib.get_close_matches(value, list(action.choices), n=1, cutoff=0.5)
            hint = f"Did you mean {self.prog} {close[0]}?" if close else f"See {self.prog} --help"
            raise SamerunError(f"Failed to read the command line: there is no command {value}.", hint, USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    if argv is None:  # the process is ours alone: no other program shares the setting
        gc.set_threshold(*_RARELY)
    typed = list(sys.argv[1:] if argv is None else argv)
    loud = any(word in typed for word in ("-vvv", "-vvvv", "-vvvvv"))
    options = None
    try:
        options = parse(typed)
        if "run" not in options:
            parser().print_help(sys.stderr)
            return USAGE
        # Imported late: --help and typing errors do not wait for what the commands import.
        command = getattr(importlib.import_module(f"samerun.{options.module}"), options.run)
        return int(command(options))
    except SamerunError as error:
        return _ended(f"{error.message} {_completed(error.hint, options)}".strip(), error.code, loud)
    except KeyboardInterrupt as error:
        return _ended("Cancelled.", 128 + getattr(error, "number", signal.SIGINT), loud)
    except BrokenPipeError:
        with contextlib.suppress(OSError):  # else Python's last flush fails too, and the exit code becomes 120
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:  # the last resort: any defect becomes one line
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return _ended(f"Failed to go on: {cause}. This is a defect of samerun; -vvv shows more.", SOFTWARE, loud)


def parse(typed: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what follows `--` is passed to the script.

    Raises:
        SamerunError: an unknown command or argument, or an invalid value.
    """
    cut = typed.index("--") if "--" in typed else len(typed)
    options, unknown = parser().parse_known_args(typed[:cut])
    script_args = list(typed[cut + 1 :])
    verb = getattr(options, "run", "")
    if unknown:
        hint = f"samerun {verb} --help" if verb else "samerun --help"
        if verb == "train":
            hint = "Arguments of the script stand behind --, as in samerun train train.py -- --epochs 3"
        raise SamerunError(f"Failed to read the command line: {unknown[0]} is not known.", hint, USAGE)
    if cut < len(typed) and verb != "train":
        raise SamerunError("Failed to read the command line: only train takes arguments behind --.", "", USAGE)
    options.args = script_args
    options.variables = [*options.early_variables, *getattr(options, "late_variables", [])]
    options.verbosity = options.early_verbosity + getattr(options, "late_verbosity", 0)
    return options


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    top = _Parser(
        "samerun", description=_ABOUT, epilog=_CODES, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"samerun {__version__}")
    _common(top, "early", inventory="process")
    verbs = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Verb)

    up = _verb(verbs, "up", "start the world's services")
    train = _verb(verbs, "train", "train a script in the world")
    train.add_argument("script", nargs="?", default="", metavar="SCRIPT", help="by default ./train.py")
    train.add_argument("--on", default="", metavar="TARGET", dest="target", help="process, docker or kubernetes")
    train.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="a variable for the script")
    train.add_argument("--detach", action="store_true", help="return as soon as it is submitted")
    train.epilog = "What stands behind -- is the script's: samerun train train.py -- --epochs 3"
    check = _verb(verbs, "check", "resolve the contract, probe its endpoints, and scan a script")
    check.add_argument("script", nargs="?", default="", metavar="SCRIPT", help="a script to scan as well")
    status = _verb(verbs, "status", "show the services and the launches")
    runs = _verb(verbs, "runs", "list the launches", "launch_commands")
    logs = _verb(verbs, "logs", "print the log of a launch", "launch_commands")
    logs.add_argument("-f", "--follow", action="store_true", help="until it ends; Ctrl+C leaves it running")
    cancel = _verb(verbs, "cancel", "end a launch: SIGTERM, and 30 s later SIGKILL", "launch_commands")
    cancel.epilog = "A second cancel ends it at once. A launch that has ended stays as it is; the exit code is 0."
    wait = _verb(verbs, "wait", "wait for a launch, and end as its script does", "launch_commands")
    wait.epilog = "Ctrl+C leaves the launch running."
    for verb in (logs, cancel, wait):
        verb.add_argument(
            "launch", nargs="?", default="", metavar="LAUNCH",
            help="its id, or what it begins with; by default the newest one",
        )  # fmt: skip
    env = _verb(verbs, "env", "print the contract as export lines")
    env.add_argument("--show", action="store_true", help="secrets too, on a terminal")
    down = _verb(verbs, "down", "stop the services; their data stays")
    down.add_argument("--purge", action="store_true", help="remove their data and keys as well")
    down.add_argument("--yes", action="store_true", help="do not ask")
    inventory = verbs.add_parser("inventory", help="print the path of an inventory of samerun's")
    inventory.set_defaults(run="inventory", module="commands")
    inventory.add_argument("name", metavar="NAME")
    for verb in (train, status, runs, cancel, wait, env):
        verb.add_argument("--json", action="store_true", help="for programs")
    for verb in (up, train):
        verb.add_argument("--check", action="store_true", help="predict, and start nothing")
        verb.add_argument("--diff", action="store_true", help="show what changes")
    return top


class _Verb(_Parser):
    def __init__(self, **given: object) -> None:
        super().__init__(**given, allow_abbrev=False)  # type: ignore[arg-type]


def _verb(verbs: argparse._SubParsersAction[_Verb], name: str, about: str, module: str = "commands") -> _Verb:
    verb = verbs.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    verb.set_defaults(run=name, module=module)
    _common(verb, "late", inventory=argparse.SUPPRESS)
    return verb


def _common(to: argparse.ArgumentParser, when: str, inventory: str) -> None:
    """Add the options that may stand before the verb and after it."""
    to.add_argument("-i", "--inventory", default=inventory, metavar="INVENTORY", help="process, local, k8s or a path")
    to.add_argument(
        "-e", "--extra-vars", action="append", default=[], metavar="VARIABLE=VALUE", dest=f"{when}_variables",
        help="overrides the inventory; also @FILE and JSON in braces",
    )  # fmt: skip
    to.add_argument(
        "-v", action="count", default=0, dest=f"{when}_verbosity",
        help="show Ansible's output, and the requests of train; -vvv shows more",
    )  # fmt: skip


def _completed(hint: str, options: argparse.Namespace | None) -> str:
    """Complete the samerun commands in `hint` with the options that they need for the same world."""
    if options is None:
        return hint

    def typed(found: re.Match[str]) -> str:
        return str(importlib.import_module("samerun.commands").command(options, found[1]))

    return _COMMAND.sub(typed, hint)


def _ended(line: str, code: int, loud: bool) -> int:
    if loud:
        traceback.print_exc()
    print(f"samerun: {line}", file=sys.stderr, flush=True)
    return code
