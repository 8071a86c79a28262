"""Runs launches in this process, with the classes of the module training_run but without a play."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.options import TRAINING_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord
from ansible_collections.samerun.stack.plugins.module_utils.training import Training
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import training_of
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import signals

_MARK = b"PROBE "


@dataclass
class Launched:
    """A launch that was followed to its end.

    Attributes:
        record: the record that the launcher returned.
        arrivals: pieces of the log, each with the time (seconds since the epoch) at which it was shown.
    """

    record: RunRecord
    arrivals: list[tuple[float, bytes]] = field(default_factory=list, repr=False)

    @property
    def log(self) -> bytes:
        return b"".join(piece for _when, piece in self.arrivals)

    @property
    def dump(self) -> dict[str, Any]:
        """Return what the probe script printed about itself."""
        return dumped(self.log)

    def shown_at(self, text: bytes) -> float:
        """Return when a piece of the log with `text` was shown."""
        return next(when for when, piece in self.arrivals if text in piece)


def dumped(log: bytes) -> dict[str, Any]:
    line = next(line for line in log.splitlines() if line.startswith(_MARK))
    found: dict[str, Any] = json.loads(bytes.fromhex(line[len(_MARK) :].decode()))
    return found


def training(world: World, given: Mapping[str, Any]) -> Training:
    """Return the training in `world` with the options `given`, and defaults for the others."""
    defaults = {name: spec.get("default") for name, spec in TRAINING_SPEC["training"]["options"].items()}
    return training_of({**defaults, **given}, world)


def launch(
    world: World, *, detach: bool = False, seen: Callable[[str, bytes], None] | None = None, **given: Any
) -> Launched:
    """Carry out one launch; `given` is the option `training` of the module training_run.

    Args:
        seen: takes the launch's id and each piece of the log.
    """
    launched = Launched(record=None)  # type: ignore[arg-type] # set at the end

    def show(piece: bytes) -> None:
        launched.arrivals.append((time.time(), piece))
        if seen:
            seen(spec.launch, piece)

    launcher = Launcher(world, training(world, given), lambda _line: None, show)
    spec, code = launcher.spec()
    launcher.target.plan(spec)
    launched.record = launcher.run(spec, code, detach=detach)
    return launched


def record_on_disk(world: World, launch_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.folder(launch_id).record.read_text())
    return found


def collect_until_settled(world: World, launch_id: str, seconds: float = 60) -> RunRecord:
    """Call the collector, as every command does, until the launch is settled."""
    (record,) = collect_all(world, [launch_id], seconds)
    return record


def collect_all(world: World, launch_ids: Sequence[str], seconds: float = 60) -> list[RunRecord]:
    """Call the collector until all the launches are settled; one call may settle several."""
    found: dict[str, RunRecord] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        settled, _alive = collector.collect(world)
        found.update({record.launch: record for record in settled})
        if found.keys() >= set(launch_ids):
            return [found[launch_id] for launch_id in launch_ids]
        time.sleep(0.2)
    raise AssertionError(f"{set(launch_ids) - found.keys()} were not settled within {seconds} s")


def submitter(world: Mapping[str, Any], given: Mapping[str, Any], options: Path) -> subprocess.Popen[bytes]:
    """Start a process that prints `launch <id>`, submits the launch and shows its log; a test can kill this process.

    Args:
        world, given: the options of the module training_run.
        options: the file to write the options to; the errors of the process are written beside it.
    """
    options.touch(mode=0o600)
    options.write_text(json.dumps({"world": world, "training": given}))
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "collections")}
    with open(options.with_suffix(".err"), "wb") as errors:
        return subprocess.Popen(
            [sys.executable, __file__, str(options)], env=environ, stdout=subprocess.PIPE, stderr=errors
        )


def main(path: str) -> None:
    """Submit and follow the launch in the JSON file at `path`; this is the process of `submitter`."""
    given = json.loads(Path(path).read_text())
    world = World.from_options(given["world"])

    def show(piece: bytes) -> None:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()

    launcher = Launcher(world, training(world, given["training"]), lambda _line: None, show)
    spec, code = launcher.spec()

    @contextlib.contextmanager
    def announced(take: signals.Take) -> Iterator[None]:
        with signals.passed_on(take):
            print(f"launch {spec.launch}", flush=True)  # all is ready, and it is submitted next
            yield

    launcher.run(spec, code, catching=announced)


if __name__ == "__main__":
    main(sys.argv[1])
