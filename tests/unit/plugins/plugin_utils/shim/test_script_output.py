"""Every byte of a script is taken, without secrets, whatever becomes of those who show and keep it."""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import script_output
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import Output

SECRET = "canary-in-a-cage"


def written(output: Output, *pieces: bytes) -> None:
    """Let a script write `pieces` and end."""
    writing = output.open()
    output.start()
    for piece in pieces:
        os.write(writing, piece)
    os.close(writing)
    output.drain()
    output.close()


def test_what_a_script_says_is_shown_and_copied_without_secrets(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    output = Output([SECRET], str(tmp_path / "copy"))
    output.say("it starts")
    written(output, b"one \xff\n", b"the secret is cana", b"ry-in-a-cage\n", b"no end")
    shown = capfdbinary.readouterr().out
    assert shown == (tmp_path / "copy").read_bytes()
    assert shown.startswith(b"samerun: it starts\none \xff\nthe secret is ")
    assert shown.endswith(b"\nno end")
    assert SECRET.encode() not in shown
    assert output.bytes == len(shown)


def test_a_word_is_heard_also_where_it_comes_in_two_pieces() -> None:
    output = Output([], "")
    output.listen_for("epoch 1")
    output._listen(b"... epo")
    assert not output.heard
    output._listen(b"ch 1\n")
    assert output.heard
    output.listen_for("epoch 2")
    assert not output.heard


def test_a_copy_that_grows_too_long_is_cut_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(script_output, "_KEPT_BYTES", 8)
    output = Output([], str(tmp_path / "copy"))
    written(output, b"0123456789\n")
    assert (tmp_path / "copy").read_bytes() == b"01234567" + script_output._CUT
    assert capfdbinary.readouterr().out == b"0123456789\n"


def test_a_full_disk_behind_standard_output_stops_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_output: Output, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Output, "_show", refuse)
    written(Output([], str(tmp_path / "copy")), b"one\n", b"two\n")
    assert (tmp_path / "copy").read_bytes() == b"one\ntwo\n"


def test_what_nobody_took_in_time_is_counted_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    taken = [True, False, False, True, True]  # whether whoever reads takes more, each time that it is asked

    def ask(_reading: Any, writing: list[int], _errors: Any, _seconds: float) -> tuple[list[int], list[int], list[int]]:
        return [], writing if taken.pop(0) else [], []

    monkeypatch.setattr(select, "select", ask)
    output = Output([], "")
    for piece in (b"one\n", b"two\n", b"three\n", b"four\n"):
        output._show(piece)
    assert capfdbinary.readouterr().out == b"one\n" + script_output._MISSING.format(10).encode() + b"four\n"
