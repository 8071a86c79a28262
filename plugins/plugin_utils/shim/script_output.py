# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The script's output: taken from its pipe, without secrets, to the log of the launch.

This file travels with a launch, see shim.py.
"""

from __future__ import annotations

import os
import select
import threading
from typing import Iterable

from ansible_collections.samerun.stack.plugins.module_utils import masking

MARK = "samerun: "  # begins a line of our own
_READ = 1 << 16
_HELD_SECONDS = 0.2
_DRAIN_SECONDS = 10.0
_STUCK_SECONDS = 5.0
_KEPT_BYTES = 1 << 30
_MISSING = "\nsamerun: {} bytes of the log are missing here, nobody took them in time. The kept log is whole.\n"
_CUT = b"\nsamerun: the rest of the log is not kept here, it is longer than 1 GiB.\n"


class Output:
    """Copies what the script writes to this process's standard output as it comes, and to a file.

    Whatever becomes of those two, the script's pipe is emptied: a log that nobody takes must not stop a training. Where
    standard output stands still for five seconds, what comes meanwhile is in the file alone, and a line says how much.

    Args:
        secrets: values that are masked.
        copy: the path of a second copy; empty where standard output is kept already.

    Attributes:
        bytes: how many there were so far.
        heard: whether the script said what `listen_for` named.
    """

    def __init__(self, secrets: Iterable[str], copy: str) -> None:
        self._masked = masking.Stream(secrets)
        self._copy = open(copy, "ab") if copy else None  # noqa: SIM115 - closed by `close`
        self._room = _KEPT_BYTES
        self._shown = True
        self._missing = 0  # bytes that standard output did not take
        self.bytes = 0
        self.heard = False
        self._awaited = b""
        self._before = b""  # the end of what was read, where the beginning of what is awaited may be
        self._reading = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._pump, daemon=True)

    def open(self) -> int:
        """The writing end for a script, which the caller closes once the script has it; then `start`."""
        self._reading, writing = os.pipe()
        return writing

    def start(self) -> None:
        """Copy from now on. No thread goes on while the script is started: a fork copies just one."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def listen_for(self, text: str) -> None:
        """Notice `text` in what the script says from now on."""
        self._awaited, self._before, self.heard = text.encode(), b"", False

    def drain(self) -> None:
        """Wait for what the script has written; who still holds its pipe is not waited for."""
        self._stopping.set()
        self._thread.join(_DRAIN_SECONDS)
        if not self._thread.is_alive():  # else somebody outlived the script and still writes
            os.close(self._reading)

    def say(self, line: str) -> None:
        """A line of our own, between the script's."""
        self._write(f"{MARK}{line}\n".encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Close the copy."""
        if self._copy is not None:
            self._copy.close()

    def _pump(self) -> None:
        while True:
            patience = 0.0 if self._stopping.is_set() else _HELD_SECONDS
            ready, _, _ = select.select([self._reading], [], [], patience)
            data = os.read(self._reading, _READ) if ready else b""
            if data:
                self._listen(data)
                self._write(self._masked.feed(data))
            elif ready or self._stopping.is_set():
                self._write(self._masked.flush())
                return
            elif self._masked.held < masking.SHORTEST:
                # A line without its end, as of a progress bar, that happens to end like the beginning of a secret.
                self._write(self._masked.flush())

    def _listen(self, data: bytes) -> None:
        if self._awaited and not self.heard:
            whole = self._before + data
            self.heard = self._awaited in whole
            self._before = whole[-len(self._awaited) :]

    def _write(self, data: bytes) -> None:
        self.bytes += len(data)
        if self._shown:
            try:
                self._show(data)
            except OSError:  # a full disk, say: the script goes on
                self._shown = False
        if self._copy is not None and self._room > 0:
            kept = data[: self._room]
            self._room -= len(kept)
            try:
                self._copy.write(kept if self._room > 0 else kept + _CUT)
                self._copy.flush()
            except OSError:
                self._room = 0

    def _show(self, data: bytes) -> None:
        """Write to standard output, if who reads it takes it in time; else the copy alone has it."""
        view = memoryview(data)
        while view:
            if not select.select([], [1], [], 0.0 if self._missing else _STUCK_SECONDS)[1]:
                self._missing += len(view)
                return
            if self._missing:
                note, self._missing = _MISSING.format(self._missing).encode(), 0
                os.write(1, note)
                continue
            view = view[os.write(1, view[: select.PIPE_BUF]) :]  # so much is taken at once where any is
