"""The commands for launches that exist already, one function for each as in commands.py; none of them runs a play."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach
from samerun import world_status, worlds
from samerun.commands import command, launch_lines, of_the_folder, print_json, tell, tell_settled


def runs(options: argparse.Namespace) -> int:
    """List the launches, newest first."""
    records = []
    for world in worlds.load(options.inventory, of_the_folder(options)):
        found, settled = world_status.launches(world)
        tell_settled(settled)
        records += found
    if options.json:
        print(json_list(records))
    else:
        print("\n".join(launch_lines(records, options)))
    return 0


def logs(options: argparse.Namespace) -> int:
    """Print the log of a launch up to now; with -f, until the launch has ended."""
    attached = _attached(options)
    with _leaving(attached, options):
        for piece in attached.follow() if options.follow else attached.log():
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    return 0


def cancel(options: argparse.Namespace) -> int:
    """End a launch."""
    attached = _attached(options)
    before = attached.refresh()
    if before.ended_at:
        print(f"samerun: {before.launch} ended already: {before.state}", file=sys.stderr)
        record = before
    else:
        print(f"samerun: {attached.launch} gets SIGTERM and has 30 s", file=sys.stderr)
        with _leaving(attached, options):
            record = attached.cancel()
        tell(record, _path(attached), options)
    if options.json:
        print_json([record.as_dict()])
    return 0


def wait(options: argparse.Namespace) -> int:
    """Wait for the end of a launch, and end with its script's exit code."""
    attached = _attached(options)
    with _leaving(attached, options):
        record = attached.wait()
    tell(record, _path(attached), options)
    if options.json:
        print_json([record.as_dict()])
    if record.state is RunState.FINISHED:
        return 0
    raise SamerunError(
        f"Failed to train {record.script} ({record.launch}): {record.reason}",
        f"{record.hint} Its log: {command(options, 'logs')} {record.launch}".strip(),
        attach.exit_code(record),
    )


@contextlib.contextmanager
def _leaving(attached: attach.Attached, options: argparse.Namespace) -> Iterator[None]:
    """At Ctrl+C, say that the launch goes on and how to wait for it."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"samerun: The launch goes on: {command(options, 'wait')} {attached.launch}", file=sys.stderr)
        raise


def json_list(records: list[RunRecord]) -> str:
    """Records as a JSON list, one record on each line."""
    lines = (json.dumps(record.as_dict(), separators=(",", ":"), sort_keys=True) for record in records)
    return "[" + ",\n ".join(lines) + "]"


def _attached(options: argparse.Namespace) -> attach.Attached:
    return attach.find(worlds.load(options.inventory, of_the_folder(options)), options.launch)


def _path(attached: attach.Attached) -> str:
    return str(attached.world.folder(attached.launch).record)
