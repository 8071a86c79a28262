"""What a person sees of a play: the script's output untouched, and lines about what takes long."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import threading
import time
from typing import Any

import pytest

from samerun import report
from samerun.report import Report, TerminalReport


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def task(name: str, role: str = "") -> dict[str, Any]:
    found = {"task": name, **({"role": f"samerun.stack.{role}"} if role else {})}
    return {"event": "playbook_on_task_start", "event_data": found, "stdout": f"TASK [{name}]"}


def test_log_is_handed_on_byte_for_byte() -> None:
    log = io.BytesIO()
    shown = Report(log, io.StringIO())
    for part in (b"a\r\n\xff", b"\x00half", b" \x1b[1mline"):
        shown.log(part)
    assert log.getvalue() == b"a\r\n\xff\x00half \x1b[1mline"


def test_a_reader_that_leaves_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    class Left(io.BytesIO):
        def write(self, data: object) -> int:
            tried.append(data)
            raise BrokenPipeError

    monkeypatch.setattr(os, "dup2", lambda *_given: 0)
    shown = Report(Left(), io.StringIO())
    shown.log(b"a")
    shown.log(b"b")
    assert tried == [b"a"]


def test_stages_are_plain_lines_in_order(clock: Clock) -> None:
    notes = io.StringIO()
    shown = Report(io.BytesIO(), notes, stages=True)
    for found in (
        task("Look at everything", "world"), task("Read", "object_store"), task("process | Start", "service"),
        task("Wait", "object_store"), task("Set up", "mlflow"),
    ):  # fmt: skip
        shown.event(found)
        shown.tick()
    assert notes.getvalue().splitlines() == ["samerun: Checking", "samerun: S3 store", "samerun: MLflow"]


def test_a_step_that_takes_long_is_named_once(clock: Clock) -> None:
    notes = io.StringIO()
    shown = Report(io.BytesIO(), notes, stages=True)
    shown.event(task("Set up", "mlflow"))
    shown.event(task("docker | Build the image", "service"))
    for _ in range(3):
        clock.now += 0.9
        shown.tick()
    assert notes.getvalue().splitlines() == ["samerun: MLflow", "samerun:   Build the image"]


def test_training_says_nothing_of_its_stages(clock: Clock) -> None:
    notes = io.StringIO()
    shown = Report(io.BytesIO(), notes)
    shown.event(task("Train", "training"))
    shown.tick()
    assert notes.getvalue() == ""


def test_what_actions_say_is_a_line() -> None:
    notes = io.StringIO()
    shown = Report(io.BytesIO(), notes)
    shown.line("mlflow_port: 5002 is used")
    shown.progress("Collecting torch")
    assert notes.getvalue().splitlines() == ["samerun: mlflow_port: 5002 is used", "samerun:   Collecting torch"]


def test_ansibles_own_output_is_hidden_unless_asked_for() -> None:
    quiet, loud = io.StringIO(), io.StringIO()
    Report(io.BytesIO(), quiet).event(task("Train", "training"))
    Report(io.BytesIO(), io.StringIO(), raw=loud).event(task("Train", "training"))
    assert quiet.getvalue() == ""
    assert loud.getvalue() == "TASK [Train]\n"


def on_screen(written: str) -> list[str]:
    """What stays on a terminal."""
    return [re.sub(r".*\r\x1b\[K", "", line) for line in written.split("\n")]


def test_terminal_shows_what_is_done_and_since_when(clock: Clock) -> None:
    notes = io.StringIO()
    shown = TerminalReport(io.BytesIO(), notes, stages=True)
    shown.event(task("Set up", "mlflow"))
    shown.event(task("process | Make the Python environment", "service"))
    shown.progress("Collecting torch")
    clock.now += 75
    shown.tick()
    assert on_screen(notes.getvalue())[-1][2:] == "MLflow: Make the Python environment: Collecting torch  1 min 15 s"


def test_terminal_line_fits_its_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    notes = io.StringIO()
    shown = TerminalReport(io.BytesIO(), notes)
    shown.event(task("Train", "training"))
    shown.progress("x" * 200)
    clock.now += 5
    shown.tick()
    assert len(on_screen(notes.getvalue())[-1]) < 40


def test_terminal_keeps_a_line_of_each_stage_that_took_long(clock: Clock) -> None:
    notes = io.StringIO()
    with TerminalReport(io.BytesIO(), notes, stages=True) as shown:
        shown.event(task("Look", "world"))
        clock.now += 0.5
        shown.event(task("Set up", "object_store"))
        clock.now += 12
        shown.tick()
        shown.event(task("Set up", "mlflow"))
        clock.now += 3
        shown.tick()
    assert on_screen(notes.getvalue()) == ["samerun: S3 store: done in 12 s", "samerun: MLflow: done in 3 s", ""]


def test_terminal_is_clean_for_the_line_that_says_what_failed(clock: Clock) -> None:
    notes = io.StringIO()
    shown = TerminalReport(io.BytesIO(), notes, stages=True)
    with contextlib.suppress(ValueError), shown:
        shown.event(task("Set up", "mlflow"))
        clock.now += 3
        shown.tick()
        raise ValueError
    assert on_screen(notes.getvalue()) == [""]


def test_terminal_is_left_to_a_script_that_speaks(clock: Clock) -> None:
    log, notes = io.BytesIO(), io.StringIO()
    shown = TerminalReport(log, notes)
    shown.event(task("Train", "training"))
    clock.now += 2
    shown.tick()
    shown.log(b"epoch 1\n")
    clock.now += 2
    shown.tick()
    assert on_screen(notes.getvalue()) == [""]
    assert log.getvalue() == b"epoch 1\n"


def test_a_request_is_shown_where_ansibles_own_output_would_be() -> None:
    quiet, loud = io.StringIO(), io.StringIO()
    Report(io.BytesIO(), quiet).request({"argv": ["python"]})
    Report(io.BytesIO(), io.StringIO(), raw=loud).request({"argv": ["python"]})
    assert quiet.getvalue() == ""
    assert json.loads(loud.getvalue()) == {"argv": ["python"]}


def test_a_terminal_that_ticks_shows_a_stage_that_nobody_else_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "_AT_ONCE", 0.0)
    drawn = threading.Event()

    class Notes(io.StringIO):
        def write(self, text: str) -> int:
            if "Training" in text:
                drawn.set()
            return super().write(text)

    shown = TerminalReport(io.BytesIO(), notes := Notes())
    with shown, shown.ticking():
        shown.enter("Training")
        assert drawn.wait(10)
    assert on_screen(notes.getvalue()) == [""]
