"""One function for each command: takes what was typed, prints, returns the exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TextIO

from ansible_collections.samerun.stack.plugins.module_utils.errors import USAGE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, seconds_between
from samerun import inventories, variables


def inventory(options: argparse.Namespace) -> int:
    """Print the path of one of ours."""
    print(inventories.packaged(options.name))
    return 0


def up(options: argparse.Namespace) -> int:
    """Set the services up and say how to go on."""
    from samerun import api
    from samerun.report import report

    with report(stages=not _predicts(options), raw=_raw(options)) as shown:
        played = api.services(
            "services", options.inventory, _given(options), shown, options.verbosity, *_flags(options)
        )
    if options.check:
        print("samerun: This was a prediction; nothing was started.", file=sys.stderr)
        return 0
    for urls in (result["urls"] for action, result in played.results if action.endswith(".world_contract")):
        print(f"MLflow      {urls['mlflow']}")
        print(f"S3 store    {urls['object_store']}")
    for url in played.result("preflight").get("consoles", []):
        print(f"S3 console  {url}")
    print(f"Train with  {_command(options, 'train')} train.py")
    print(f"Stop with   {_command(options, 'down')}")
    return 0


def train(options: argparse.Namespace) -> int:
    """Train, and end as the script ends."""
    from samerun import api
    from samerun.report import report

    given = api.Training(
        options.script, tuple(options.args), options.target, variables.assigned("--env", options.env), options.detach
    )
    with report(raw=_raw(options)) as shown:
        trained = api.train(given, options.inventory, _given(options), shown, options.verbosity, *_flags(options))
    paths = {launch["launch"]: launch["record"] for launch in trained.played.launches}
    for record in trained.records:
        for line in _summary(record, paths.get(record.launch, ""), options):
            print(line, file=sys.stderr)
    if options.check and not trained.failure:
        print("samerun: This was a prediction; nothing was started.", file=sys.stderr)
    if trained.played.signal:
        print("samerun: Cancelled.", file=sys.stderr)
        return 128 + trained.played.signal
    if trained.failure:
        raise trained.failure
    return 0


def check(options: argparse.Namespace) -> int:
    """Resolve the contract and probe its endpoints from here; read a script and its neighbours."""
    from samerun import api
    from samerun.report import report

    given, script = _given(options), options.script
    if script:
        given = given.with_project(Path(script).parent).with_literals(
            training_script=str(Path(script).absolute()), __samerun_looks=True
        )
    with report(raw=_raw(options)) as shown:
        played = api.services("check", options.inventory, given, shown, options.verbosity)
    found = played.result("env_contract")
    for name in found["names"]:
        print(f"{name:<34}{found['plain'].get(name, '(set)')}")
    print("MLflow and the S3 store answer.")
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the services."""
    from samerun import api
    from samerun.report import report

    if options.purge and not options.yes:
        _confirm(options)
    given = _given(options).with_literals(samerun_purge=options.purge)
    with report(raw=_raw(options)) as shown:
        played = api.services("teardown", options.inventory, given, shown, options.verbosity)
    removed = played.result("world_teardown").get("removed", [])
    print("\n".join(f"Removed {what}" for what in removed) or "There was nothing to remove.")
    if not options.purge:
        print(
            f"Data and keys stay: {_command(options, 'up')} continues, {_command(options, 'down')} --purge removes them"
        )
    return 0


def status(options: argparse.Namespace) -> int:
    """Show the services and the launches."""
    from samerun import look

    return look.status(options.inventory, _given(options).with_project(Path()), as_json=options.json)


def env(options: argparse.Namespace) -> int:
    """Print the contract as this host sees it."""
    from samerun import look

    masked = sys.stdout.isatty() and not options.show
    return look.env(options.inventory, _given(options).with_project(Path()), as_json=options.json, masked=masked)


def _given(options: argparse.Namespace) -> variables.Variables:
    return variables.given(options.variables)


def _flags(options: argparse.Namespace) -> list[str]:
    return [flag for flag, wanted in (("--check", options.check), ("--diff", options.diff)) if wanted]


def _predicts(options: argparse.Namespace) -> bool:
    return bool(getattr(options, "check", False) or getattr(options, "diff", False))


def _raw(options: argparse.Namespace) -> TextIO | None:
    """Where Ansible's own output goes: a prediction is what was asked for, all else is noise."""
    return sys.stdout if _predicts(options) else sys.stderr if options.verbosity else None


def _command(options: argparse.Namespace, verb: str) -> str:
    chosen = "" if options.inventory == inventories.DEFAULT else f" -i {options.inventory}"
    return f"samerun{chosen} {verb}"


def _confirm(options: argparse.Namespace) -> None:
    question = f"This removes the data, keys and records of {options.inventory} for ever."
    if not sys.stdin.isatty():
        raise SamerunError(f"Failed to purge: {question}", f"Say so: {_command(options, 'down')} --purge --yes", USAGE)
    print(f"{question} Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise SamerunError("Failed to purge: it was not confirmed.", "Nothing was removed.", USAGE)


def _summary(record: RunRecord, path: str, options: argparse.Namespace) -> list[str]:
    seconds = seconds_between(record.started_at, record.ended_at)
    lines = [f"samerun: {record.launch} {record.state}{f' after {seconds:.1f} s' if seconds else ''}"]
    lines += [f"  MLflow run  {run.url}" for run in record.mlflow_runs]
    if record.ended_at and not record.mlflow_runs:
        lines.append("  0 MLflow runs recorded")
    if record.ended_at and path:
        lines.append(f"  record      {path}")
    if not record.ended_at:
        lines.append(f"  it goes on; look at it with {_command(options, 'status')}")
    return lines
