"""One function for each command: takes the parsed command line, prints, returns the exit code."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ansible_collections.samerun.stack.plugins.module_utils.errors import USAGE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, seconds_between
from samerun import inventories, variables

_SHOWN = 10  # how many launches `status` shows; --json and `runs` show all


def inventory(options: argparse.Namespace) -> int:
    """Print the path of an inventory that comes with samerun."""
    print(inventories.packaged(options.name))
    return 0


def up(options: argparse.Namespace) -> int:
    """Set up the services, print their addresses, and say how to train and stop."""
    from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared
    from samerun import plays
    from samerun.report import report

    with report(stages=not _predicts(options), raw=_raw(options)) as shown:
        played = plays.services(
            "services", options.inventory, _given(options), shown, options.verbosity, *_flags(options)
        )
    if options.check:
        print("samerun: This was a prediction; nothing was started.", file=sys.stderr)
        return 0
    for urls in (result["urls"] for action, result in played.results if action.endswith(".world_contract")):
        for role, url in urls.items():
            print(f"{declared.titles()[role]:<11} {url}")
    for url in played.result("preflight").get("consoles", []):
        print(f"S3 console  {url}")
    print(f"Train with  {command(options, 'train')} train.py")
    print(f"Stop with   {command(options, 'down')}")
    return 0


def train(options: argparse.Namespace) -> int:
    """Train, and end with the script's exit code."""
    from samerun import training
    from samerun.report import report
    from samerun.request import Training

    given = Training(
        options.script, tuple(options.args), options.target, variables.assigned("--env", options.env), options.detach
    )
    with _json_of_a_refusal(options):
        shown = report(raw=_raw(options), log=sys.stderr if options.json else None)
        with shown, shown.ticking():
            trained = training.train(given, options.inventory, _given(options), shown, checking=options.check)
    for record, path in trained.launches:
        tell(record, path, options)
    if options.json:
        print_json([record.as_dict() for record in trained.records])
    if options.check:
        print("samerun: This was a prediction; nothing was started.", file=sys.stderr)
    if trained.signal:
        print("samerun: Cancelled.", file=sys.stderr)
        return 128 + trained.signal
    if trained.failure:
        raise trained.failure
    return 0


def check(options: argparse.Namespace) -> int:
    """Resolve the contract and probe its endpoints from this host; scan a script and the modules beside it."""
    from samerun import plays
    from samerun.report import report

    given, script = _given(options), options.script
    if script:
        given = given.with_project(Path(script).parent).with_literals(
            training_script=str(Path(script).absolute()), __samerun_looks=True
        )
    with report(raw=_raw(options)) as shown:
        played = plays.services("check", options.inventory, given, shown, options.verbosity)
    found = played.result("env_contract")
    for name in found["names"]:
        print(f"{name:<35} {found['plain'].get(name, '(set)')}")
    print(f"{' and '.join(found['probed'])} {'answer' if len(found['probed']) > 1 else 'answers'}.")
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the services; with --purge, remove their data and keys too."""
    from samerun import plays
    from samerun.report import report

    if options.purge and not options.yes:
        _confirm(options)
    given = _given(options).with_literals(samerun_purge=options.purge)
    with report(raw=_raw(options)) as shown:
        played = plays.services("teardown", options.inventory, given, shown, options.verbosity)
    removed = played.result("world_teardown").get("removed", [])
    print("\n".join(f"Removed {what}" for what in removed) or "There was nothing to remove.")
    if not options.purge:
        print(
            f"Data and keys stay: {command(options, 'up')} continues, {command(options, 'down')} --purge removes them"
        )
    return 0


def status(options: argparse.Namespace) -> int:
    """Show the services and the launches."""
    from samerun import world_status, worlds

    found = [(world, world_status.read(world)) for world in worlds.load(options.inventory, of_the_folder(options))]
    for _world, seen in found:
        tell_settled(seen.settled)
    if options.json:
        print_json([world_status.status_as_dict(world, seen) for world, seen in found])
        return 0
    for _world, seen in found:
        print(f"{seen.world} ({seen.target})")
        for service in seen.services:
            print(f"  {service.name:<12}{service.state:<12}{service.url}")
        for line in launch_lines(seen.launches[:_SHOWN], options):
            print(f"  {line}")
    return 0


def env(options: argparse.Namespace) -> int:
    """Print the contract as this host sees it."""
    from samerun import world_status

    masked = sys.stdout.isatty() and not options.show
    return world_status.env(options.inventory, of_the_folder(options), as_json=options.json, masked=masked)


def of_the_folder(options: argparse.Namespace) -> variables.Variables:
    """The variables of the command line, which override those of the working folder's samerun.yml."""
    return _given(options).with_project(Path())


def command(options: argparse.Namespace, verb: str) -> str:
    """The command line for `verb` in the same world: with the inventory and the variables that determine the world."""
    chosen = [] if options.inventory == inventories.DEFAULT else ["-i", options.inventory]
    chosen += [part for text in _of_the_script(options) for part in ("-e", text)]
    chosen += [part for text in variables.repeatable(options.variables) for part in ("-e", text)]
    return f"samerun {shlex.join(chosen)} {verb}" if chosen else f"samerun {verb}"


def print_json(found: list[dict[str, Any]]) -> None:
    """Print one item as it is, several as a list: most inventories have one world."""
    print(json.dumps(found[0] if len(found) == 1 else found, indent=2))


def launch_lines(records: list[RunRecord], options: argparse.Namespace) -> list[str]:
    """One line for each launch; for a running launch, with the command that shows its log."""
    width = max((len(record.launch) for record in records), default=0)
    lines = []
    for record in records:
        seconds = seconds_between(record.started_at, record.ended_at)
        more = f"{seconds:9.1f} s  {record.reason}" if record.ended_at else command(options, f"logs -f {record.launch}")
        lines.append(f"{record.launch:<{width}}  {record.state:<8}  {more}".rstrip())
    return lines or ["nothing was trained yet"]


def tell_settled(records: list[RunRecord]) -> None:
    """Say which launches ended without a follower and were settled now."""
    for record in records:
        print(f"samerun: {record.launch} ended unwatched: {record.state} {record.reason}".rstrip(), file=sys.stderr)


def tell(record: RunRecord, path: str, options: argparse.Namespace) -> None:
    """Print a summary of a launch for the user."""
    seconds = seconds_between(record.started_at, record.ended_at)
    lines = [f"samerun: {record.launch} {record.state}{f' after {seconds:.1f} s' if seconds else ''}"]
    lines += [f"  MLflow run  {run.url}" for run in record.mlflow_runs]
    if record.ended_at and not record.mlflow_runs:
        lines.append("  0 MLflow runs recorded")
    if record.ended_at and path:
        lines.append(f"  record      {path}")
    if not record.ended_at:
        lines.append(f"  it goes on; see its log with {command(options, f'logs -f {record.launch}')}")
    print("\n".join(lines), file=sys.stderr)


@contextlib.contextmanager
def _json_of_a_refusal(options: argparse.Namespace) -> Iterator[None]:
    """With --json, print an error as JSON too if no launch was started."""
    try:
        yield
    except SamerunError as error:
        if options.json:
            print_json([{"failure": {"message": error.message, "hint": error.hint, "code": error.code}}])
        raise


def _given(options: argparse.Namespace) -> variables.Variables:
    return variables.given(options.variables)


def _of_the_script(options: argparse.Namespace) -> list[str]:
    """The samerun.yml beside the script, as @FILE; not that of the working folder, which every command reads anyway."""
    beside = Path(getattr(options, "script", "")).parent / variables.PROJECT_FILE
    return [f"@{beside}"] if beside.exists() and beside.parent.absolute() != Path.cwd() else []


def _flags(options: argparse.Namespace) -> list[str]:
    return [flag for flag, wanted in (("--check", options.check), ("--diff", options.diff)) if wanted]


def _predicts(options: argparse.Namespace) -> bool:
    return bool(getattr(options, "check", False) or getattr(options, "diff", False))


def _raw(options: argparse.Namespace) -> TextIO | None:
    """Where Ansible's own output and the requests are shown; None to hide them.

    They are what --check and --diff are for, so these print them to stdout, or with --json to stderr.
    """
    if _predicts(options) and not getattr(options, "json", False):
        return sys.stdout
    return sys.stderr if _predicts(options) or options.verbosity else None


def _confirm(options: argparse.Namespace) -> None:
    question = f"This removes the data, keys and records of {options.inventory} for ever."
    if not sys.stdin.isatty():
        raise SamerunError(f"Failed to purge: {question}", f"Say so: {command(options, 'down')} --purge --yes", USAGE)
    print(f"{question} Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise SamerunError("Failed to purge: it was not confirmed.", "Nothing was removed.", USAGE)
