"""What a person sees while a command goes on: on a terminal a line that lives, elsewhere plain lines."""

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

# Roles as stages; those of the role `service` belong to the service that includes it.
STAGES = {"world": "Checking", **declared.titles(), "training": "Training"}
_FIRST = {"samerun.stack.inventory_check": "world"}  # a task before any role that belongs to its stage
_SPINNER = "|/-\\"
_AT_ONCE = 0.3  # seconds; what is faster is not worth a line that lives
_LONG = 1.0
_REDRAW = 0.1


class Report:
    """Plain lines on `notes`, the script's output byte for byte on `log`.

    Args:
        stages: whether each stage is a line, or only what takes long.
        raw: show Ansible's own output too, and what a target is asked for.
    """

    def __init__(self, log: BinaryIO, notes: TextIO, *, stages: bool = False, raw: TextIO | None = None) -> None:
        self.notes = notes
        self.stages = stages
        self.raw = raw
        self.stage = ""
        self.step = ""
        self._script: BinaryIO | None = log
        self._pending = 0.0  # since when a step goes on that was not said
        self._whole = True  # whether the log ends with a line's end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            self.end()
        self.clear()

    def event(self, event: Mapping[str, Any]) -> None:
        """Follow the stages."""
        if self.raw is not None and event.get("stdout"):
            self.clear()
            print(event["stdout"], file=self.raw, flush=True)
        if event["event"] in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            found = event["event_data"]
            role = found.get("role", "").rpartition(".")[2]
            self._task(_FIRST.get(found.get("task_action", ""), role), found.get("task", ""))

    def line(self, text: str) -> None:
        """A line of samerun's own."""
        self.clear()
        start = "" if self._whole or not self.notes.isatty() else "\n"
        self._whole = True
        print(f"{start}samerun: {text}", file=self.notes, flush=True)

    def progress(self, text: str) -> None:
        """A line about a step that takes long."""
        self.line(f"  {text}")

    def enter(self, stage: str) -> None:
        """A stage begins, unless it goes on."""
        if stage != self.stage:
            before, self.stage, self.step = self.stage, stage, ""
            self._pending = 0.0
            self.entered(before)

    def log(self, data: bytes) -> None:
        """Bytes of the script's output."""
        self.clear()
        self._whole = data.endswith(b"\n")
        if self._script is None:
            return
        try:
            self._script.write(data)
            self._script.flush()
        except BrokenPipeError:
            broken, self._script = self._script, None  # as with `| head`: the run goes on, and its log is kept
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), broken.fileno())

    def request(self, plan: Mapping[str, Any]) -> None:
        """What a target is asked for, secrets masked."""
        if self.raw is not None:
            self.clear()
            print(json.dumps(plan, indent=2, sort_keys=True), file=self.raw, flush=True)

    @contextlib.contextmanager
    def ticking(self) -> Iterator[None]:
        """Inside the block, see to it that `tick` comes some times a second."""
        yield

    def clear(self) -> None:
        """Take a line that lives off the screen."""

    def tick(self) -> None:
        """Say which step it is that takes long; many are skipped."""
        if self._pending and time.monotonic() - self._pending > _LONG:
            self._pending = 0.0
            if self.stages:
                self.line(f"  {self.step}")

    def _task(self, role: str, task: str) -> None:
        # `process | Start the program` is said as a step of its stage; a task before any role is a stage itself.
        place, _, step = task.rpartition(" | ")
        self.enter(STAGES.get(role, self.stage) if role else task)
        if place:
            self.step = step
            self.stepped()

    def entered(self, before: str) -> None:
        """A stage begins; `before` was the last one."""
        del before
        if self.stages:
            self.line(self.stage)

    def stepped(self) -> None:
        """A step begins."""
        self._pending = time.monotonic()

    def end(self) -> None:
        """The play has ended well."""


class TerminalReport(Report):
    """One line that says what is done now and since when; a stage that took long leaves a line."""

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
            self._quiet = True  # the script speaks for itself

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
    """The report for this process's standard streams; the script's output goes to `log`, by default to stdout."""
    kind = TerminalReport if sys.stderr.isatty() else Report
    return kind((log or sys.stdout).buffer, sys.stderr, stages=stages, raw=raw)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
