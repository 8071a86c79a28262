"""Measures launches per second, submitted detached by one program: one by one, and by twenty threads; and leftovers.

The ratio compares the launches per second of a row with those of the first row.

    python benchmarks/many.py                       # process; the world must be up: samerun up
    python benchmarks/many.py -i local --peer "docker run=docker run -d --rm python:3.11-slim python -V"
    python benchmarks/many.py -i k8s -e @k8s.yml --count 20

Each launch's script prints one line. For comparison, the bare script and the peers are started as often, one by one.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import measure
import psutil

import samerun
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError

SCRIPT = "print('hello')\n"
_AT_ONCE = 20


def main() -> None:
    options = arguments()
    variables = measure.variables(options.extra)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "hello.py"
        script.write_text(SCRIPT)

        def submit(_number: int) -> samerun.Launch:
            return samerun.submit(script, inventory=options.inventory, variables=variables)

        submit(0).wait()  # makes the environment
        before = held()
        rows = {"python hello.py": bare([sys.executable, str(script)], options.repeat)}
        for peer in options.peer:
            name, _, command = peer.partition("=")
            rows[name] = bare(shlex.split(command), options.repeat)
        rows["samerun.submit, in a row"] = row(submit, options.repeat)
        rows[f"samerun.submit, {_AT_ONCE} threads"] = threads(submit, _AT_ONCE)
        after = held()
    print(f"launches a second, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| | launches | seconds | a second | ratio | until the last has ended |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    first = next(iter(rows.values()))
    for name, (count, seconds, ended) in rows.items():
        ratio = (count / seconds) / (first[0] / first[1])
        print(f"| {name} | {count} | {seconds:.2f} | {count / seconds:.1f} | {ratio:.2f} | {ended:.1f} s |")
    print("\n| this program holds | before | after |\n| --- | ---: | ---: |")
    for name in before:
        print(f"| {name} | {before[name]} | {after[name]} |")


def arguments() -> argparse.Namespace:
    parser = measure.parser(__doc__, "process", repeat=100)
    parser.add_argument("--peer", action="append", default=[], help="NAME=COMMAND")
    parser.add_argument("--count", type=int, dest="repeat", help="the same as --repeat: launches in a row")
    return parser.parse_args()


def bare(command: list[str], count: int) -> tuple[int, float, float]:
    """Time `count` runs of a command that returns once it has started something, or ends at once."""
    started = time.perf_counter()
    for _ in range(count):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - started
    return count, seconds, seconds


def row(submit: Callable[[int], samerun.Launch], count: int) -> tuple[int, float, float]:
    started = time.perf_counter()
    launches = [submit(number) for number in range(count)]
    seconds = time.perf_counter() - started
    return count, seconds, finished(launches, started)


def threads(submit: Callable[[int], samerun.Launch], count: int) -> tuple[int, float, float]:
    started = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        launches = list(pool.map(submit, range(count)))
    seconds = time.perf_counter() - started
    return count, seconds, finished(launches, started)


def finished(launches: list[samerun.Launch], started: float) -> float:
    """Wait for all launches; return the seconds since `started`."""
    failed = [launch.id for launch in launches if launch.wait().state is not samerun.RunState.FINISHED]
    if failed:
        raise measure.Failed(f"these launches failed: {failed}")
    return time.perf_counter() - started


def held() -> dict[str, int]:
    """Count the resources that this program holds."""
    me = psutil.Process()
    return {
        "descriptors": me.num_fds(),
        "threads": threading.active_count(),
        "children": len(me.children(recursive=True)),
        "memory, MiB": me.memory_info().rss >> 20,
    }


if __name__ == "__main__":
    try:
        main()
    except SamerunError as error:
        raise SystemExit(f"{error}") from error
