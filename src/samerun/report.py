"""Shows progress while a command runs: one line that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Self, TextIO

from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared

# Maps each role to its stage. Tasks of the role `service` belong to the stage of the service that includes it.
STAGES = {"world": "Checking", **declared.titles(), "training": "Training"}
_FIRST = {"samerun.stack.inventory_check": "world"}  # a task outside of roles that belongs to a role's stage
_SPINNER = "|/-\\"
_AT_ONCE = 0.3  # seconds after which a stage is shown as a redrawn line
_LONG = 1.0
_REDRAW = 0.1


class Report:
    """Writes plain lines to `notes`, and the script's output byte for byte to `log`.

    Args:
        stages: whether to write a line for each stage and for each step that takes long.
        raw: where to write Ansible's own output and the requests to targets; None to hide them.
    """

    def __init__(self, log: BinaryIO, notes: TextIO, *, stages: bool = False, raw: TextIO | None = None) -> None:
        self.notes = notes
        self.stages = stages
        self.raw = raw
        self.stage = ""
        self.step = ""
        self._script: BinaryIO | None = log
        self._pending = 0.0  # the start of a running step that was not shown yet
        self._whole = True  # whether the log ends with a newline

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            self.end()
        self.clear()

    def event(self, event: Mapping[str, Any]) -> None:
        """Show Ansible's output if asked for, and enter the stage of a task that starts."""
        if self.raw is not None and event.get("stdout"):
            self.clear()
            print(event["stdout"], file=self.raw, flush=True)
        if event["event"] in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            found = event["event_data"]
            role = found.get("role", "").rpartition(".")[2]
            self._task(_FIRST.get(found.get("task_action", ""), role), found.get("task", ""))

    def line(self, text: str) -> None:
        """Write a line of samerun's own."""
        self.clear()
        start = "" if self._whole or not self.notes.isatty() else "\n"
        self._whole = True
        print(f"{start}samerun: {text}", file=self.notes, flush=True)

    def progress(self, text: str) -> None:
        """Write a line about a step that takes long."""
        self.line(f"  {text}")

    def enter(self, stage: str) -> None:
        """Begin a stage, unless it is the present one."""
        if stage != self.stage:
            before, self.stage, self.step = self.stage, stage, ""
            self._pending = 0.0
            self.entered(before)

    def log(self, data: bytes) -> None:
        """Write bytes of the script's output."""
        self.clear()
        self._whole = data.endswith(b"\n")
        if self._script is None:
            return
        try:
            self._script.write(data)
            self._script.flush()
        except BrokenPipeError:
            broken, self._script = self._script, None  # as with `| head`: the launch goes on, and its log is kept
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), broken.fileno())

    def request(self, plan: Mapping[str, Any]) -> None:
        """Show the request to a target, secrets masked."""
        if self.raw is not None:
            self.clear()
            print(json.dumps(plan, indent=2, sort_keys=True), file=self.raw, flush=True)

    @contextlib.contextmanager
    def ticking(self) -> Iterator[None]:
        """Inside the block, call `tick` several times a second, where the report needs that."""
        yield

    def clear(self) -> None:
        """Erase the redrawn line."""

    def tick(self) -> None:
        """Show a step once it has taken long; most steps are too short for that."""
        if self._pending and time.monotonic() - self._pending > _LONG:
            self._pending = 0.0
            if self.stages:
                self.line(f"  {self.step}")

    def _task(self, role: str, task: str) -> None:
        # `process | Start the program` is a step of its stage. A task outside of roles is a stage itself.
        place, _, step = task.rpartition(" | ")
        self.enter(STAGES.get(role, self.stage) if role else task)
        if place:
            self.step = step
            self.stepped()

    def entered(self, before: str) -> None:
        """Show that a stage begins; `before` was the last one."""
        del before
        if self.stages:
            self.line(self.stage)

    def stepped(self) -> None:
        """Note that a step begins."""
        self._pending = time.monotonic()

    def end(self) -> None:
        """Finish after success."""


class TerminalReport(Report):
    """Redraws one line with the present stage and how long it has taken; a stage that took long leaves a plain line."""

    def __init__(self, log: BinaryIO, notes: TextIO, *, stages: bool = False, raw: TextIO | None = None) -> None:
        super().__init__(log, notes, stages=stages, raw=raw)
        self._since = time.monotonic()
        self._detail = ""
        self._drawn = self._quiet = False
        self._turn = 0
        self._drew = 0.0
        self._writing = threading.RLock()

    @contextlib.contextmanager
    def ticking(self) -> Iterator[None]:
        done = threading.Event()

        def go_on() -> None:
            while not done.wait(_REDRAW):
                self.tick()

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def line(self, text: str) -> None:
        with self._writing:
            super().line(text)

    def log(self, data: bytes) -> None:
        with self._writing:
            super().log(data)
            self._quiet = True  # no redrawn line between the script's output

    def request(self, plan: Mapping[str, Any]) -> None:
        with self._writing:
            super().request(plan)

    def progress(self, text: str) -> None:
        self._detail, self._quiet = text, False

    def entered(self, before: str) -> None:
        self._leave(before)
        self._since, self._detail, self._quiet = time.monotonic(), "", False

    def stepped(self) -> None:
        self._detail = ""

    def end(self) -> None:
        self._leave(self.stage)

    def clear(self) -> None:
        if self._drawn:
            self.notes.write("\r\x1b[K")
            self.notes.flush()
            self._drawn = False

    def tick(self) -> None:
        with self._writing:
            self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        seconds = now - self._since
        if self._quiet or not self.stage or seconds < _AT_ONCE or now - self._drew < _REDRAW:
            return
        self._drew = now
        self._turn += 1
        about = ": ".join(part for part in (self.stage, self.step, self._detail) if part)
        after = f"  {duration(seconds)}"
        width = max(shutil.get_terminal_size().columns - len(after) - 3, 0)
        self.notes.write(f"\r\x1b[K{_SPINNER[self._turn % 4]} {about[:width]}{after}")
        self.notes.flush()
        self._drawn = True

    def _leave(self, stage: str) -> None:
        seconds = time.monotonic() - self._since
        if stage and self.stages and seconds >= 1:
            self.line(f"{stage}: done in {duration(seconds)}")


def report(*, stages: bool = False, raw: TextIO | None = None, log: TextIO | None = None) -> Report:
    """Make the report for this process's standard streams; the script's output goes to `log`, by default stdout."""
    kind = TerminalReport if sys.stderr.isatty() else Report
    return kind((log or sys.stdout).buffer, sys.stderr, stages=stages, raw=raw)


def duration(seconds: float) -> str:
    """A duration in minutes and seconds, as text."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
