"""Measures how many seconds it takes until a failed launch is noticed, compared with the engine's own command.

    python benchmarks/failing.py process
    python benchmarks/failing.py docker -e @local.yml
    python benchmarks/failing.py kubernetes -e @k8s.yml

The world must be up (`samerun up`). The first part runs a script that exits with 1. It measures from the script's last
line, and from the time when the engine knew, to the exit of the command. The second part, for Docker and Kubernetes,
uses an image that cannot be pulled. For clocks see first_line.py.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import bare
import engines
import measure

# Nobody listens there, on any node.
NOT_THERE = "localhost:1/samerun-benchmark:none"


def main() -> None:
    options = measure.on_a_target(measure.parser(__doc__, repeat=5))
    with tempfile.TemporaryDirectory() as folder, engines.Engine(options) as engine:
        project = Path(folder) / "project"
        project.mkdir()
        (project / "train.py").write_text(engines.FAILING)
        name, argv = next(iter(measure.ours(options, project).items()))
        measure.run(argv, cwd=project, code=None)  # makes the environment or image, which the bare command uses
        image = "" if options.target == "process" else bare.image(options)
        rows = bare.commands(options, project, image, code=1)
        code = 1 if name == "samerun train" else 2  # the exit code of a failed play
        rows[name] = lambda seen: measure.run(argv, cwd=project, code=code, seen=seen)
        timed = {row: partial(engines.timed, run, engine, row == name) for row, run in rows.items()}
        taken = measure.turns(timed, options.repeat)
        title = f"{options.target}, a script that ends with 1"
        fields = {
            "after_script": "from the script's end to the exit",
            "after_engine": "from when the engine knew to the exit",
        }
        print(engines.tables(title, taken, fields))
        if options.target != "process":
            print(f"\n{without_image(options, engine, project, name, argv)}")


def without_image(
    options: argparse.Namespace, engine: engines.Engine, project: Path, name: str, argv: list[str]
) -> str:
    """Measure from the command to the exit, and from the time when the cluster knew to the exit."""
    knew: list[float] = []

    def launched() -> float:
        ran = measure.run([*argv, "-e", f"training_image={NOT_THERE}"], cwd=project, code=None)
        if (known := engine.refused(ran.began)) is not None:
            knew.append(ran.ended - known)
        return ran.seconds

    rows: dict[str, Callable[[], float]] = {name: launched}
    if options.target == "docker":
        docker = [measure.needed("docker"), "run", "--rm", NOT_THERE]
        rows = {"docker run": lambda: measure.run(docker, code=125).seconds, **rows}
    taken = measure.turns(rows, options.repeat)
    title = f"{options.target}, an image that cannot be pulled"
    tables = [measure.table(f"from the command to the exit, {title}", taken)]
    if knew:
        tables.append(measure.table(f"from when the engine knew to the exit, {title}", {name: knew[1:]}))
    return "\n\n".join(tables)


if __name__ == "__main__":
    main()
