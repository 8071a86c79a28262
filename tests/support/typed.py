"""Runs the command `samerun` as users type it: in a separate folder, from a checkout, with separate worlds."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_SECONDS = 300


@dataclass(frozen=True)
class Ended:
    """The result of a command."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode(errors="replace")


@dataclass(frozen=True)
class Place:
    """The place of a user who types `samerun`: a folder, arguments of all commands, and the program that runs them."""

    folder: Path
    state: Path
    inventory: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment."""
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT / "collections")))
        return {**os.environ, "PYTHONPATH": path, "XDG_STATE_HOME": str(self.state), **self.more}

    def argv(self, *typed: str) -> list[str]:
        return [*self.prefix, sys.executable, "-m", "samerun", *self.inventory, *typed]

    def write(self, name: str, text: str) -> str:
        """Write a file to the folder; return its name."""
        (self.folder / name).write_text(text)
        return name

    def start(self, *typed: str) -> subprocess.Popen[bytes]:
        """Start a command in a separate session, as a terminal does."""
        return subprocess.Popen(
            self.argv(*typed), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, *typed: str) -> Ended:
        """Run a command to its end."""
        return finish(self.start(*typed))

    def must(self, *typed: str) -> Ended:
        """Run a command that must succeed."""
        ended = self.run(*typed)
        assert ended.code == 0, f"samerun {' '.join(typed)} ended with {ended.code}:\n{ended.text}\n{ended.err}"
        return ended

    def status(self) -> dict[str, Any]:
        """Return the output of `status --json`."""
        found = json.loads(self.must("status", "--json").out)
        assert isinstance(found, dict)
        return found

    def on_terminal(self, *typed: str, answer: bytes = b"") -> Ended:
        """Run a command whose three streams are a terminal; `answer` is typed immediately."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            self.argv(*typed), cwd=self.folder, env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        os.write(ours, answer)
        shown = b""
        with contextlib.suppress(OSError):  # the other side closes
            while select.select([ours], [], [], _SECONDS)[0] and (part := os.read(ours, 1 << 16)):
                shown += part
        code = process.wait(_SECONDS)
        os.close(ours)
        return Ended(code, shown, "")


def finish(process: subprocess.Popen[bytes]) -> Ended:
    """Wait until a started command ends."""
    try:
        out, err = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Ended(process.returncode, out, (err or b"").decode(errors="replace"))  # or both in `out`
