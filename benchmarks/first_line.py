"""Measures the seconds from a command to the script's first line, and from the script's end to the command's end.

    python benchmarks/first_line.py process
    python benchmarks/first_line.py docker -e @local.yml
    python benchmarks/first_line.py kubernetes -e @k8s.yml
    python benchmarks/first_line.py docker --peer "torchx=torchx run -s local_docker --wait --log utils.python \\
        --image {image} --script train.py"

It compares samerun with the engine's own command. The world must be up (`samerun up`). The bare command uses the
environment or image that the launch before it used. In the row `a line edited`, each script differs from all earlier
ones. Times from the script's end are right only if the clocks of this host and of the script's host agree to some
milliseconds.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import bare
import engines
import measure


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as folder, engines.Engine(options) as engine:
        project = Path(folder) / "project"
        project.mkdir()
        (project / "train.py").write_text(engines.SCRIPT)
        ours = launches(options, project)
        next(iter(ours.values()))(print_nothing)  # makes the environment or image, which the bare command uses
        image = "" if options.target == "process" else bare.image(options)
        rows = {**bare.commands(options, project, image), **ours, **peers(options, project, image)}
        timed = {name: partial(engines.timed, row, engine, name in ours) for name, row in rows.items()}
        taken = measure.turns(timed, options.repeat)
    fields = {
        "first": "from the command to the first line",
        "after_script": "from the script's end to the exit",
        "after_engine": "from when the engine knew to the exit",
        "whole": "from the command to the exit",
    }
    print(engines.tables(options.target, taken, fields))


def arguments() -> argparse.Namespace:
    parser = measure.parser(__doc__)
    parser.add_argument("--peer", action="append", default=[], help="NAME=COMMAND, run in the project's folder")
    return measure.on_a_target(parser)


def launches(options: argparse.Namespace, project: Path) -> dict[str, bare.Command]:
    """Return samerun's commands; the first one also with a script that was never run before."""
    rows = {name: command(argv, project) for name, argv in measure.ours(options, project).items()}
    name, known = next(iter(rows.items()))
    numbers = itertools.count()

    def edited(seen: Callable[[str], None]) -> measure.Ran:
        script = project / "train.py"
        script.write_text(f"{engines.SCRIPT}print('edited: {next(numbers)}')\n")
        try:
            return known(seen)
        finally:
            script.write_text(engines.SCRIPT)

    return {name: known, f"{name}, a line edited": edited, **rows}


def command(argv: list[str], project: Path) -> bare.Command:
    return lambda seen: measure.run(argv, cwd=project, seen=seen)


def peers(options: argparse.Namespace, project: Path, image: str) -> dict[str, bare.Command]:
    """Return the commands of other tools that start the script."""
    named = (peer.partition("=")[::2] for peer in options.peer)
    return {name: command(shlex.split(typed.replace("{image}", image)), project) for name, typed in named}


def print_nothing(_line: str) -> None:
    """Ignore a line of output."""


if __name__ == "__main__":
    main()
