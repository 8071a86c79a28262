# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies the script's output from a pipe to the log of the launch, and masks secrets in it."""

from __future__ import annotations

import os
import select
import threading
from typing import Iterable

from ansible_collections.samerun.stack.plugins.module_utils import masking

MARK = "samerun: "  # the start of each line that samerun itself adds
_READ = 1 << 16
_HELD_SECONDS = 0.2
_DRAIN_SECONDS = 10.0
_STUCK_SECONDS = 5.0
_KEPT_BYTES = 1 << 30
_MISSING = "\nsamerun: {} bytes of the log are missing here, nobody took them in time. The kept log is whole.\n"
_CUT = b"\nsamerun: the rest of the log is not kept here, it is longer than 1 GiB.\n"


class Output:
    """Copies the script's output to this process's standard output as it arrives, and to a file.

    The script's pipe is always emptied, even if both copies fail: a log that nobody reads must not stop a training. If
    nobody reads standard output for five seconds, the output goes to the file only. A line then says how many bytes are
    missing.

    Args:
        secrets: values to mask.
        copy: the path of the file; empty if standard output is kept already.

    Attributes:
        bytes: number of bytes so far.
        heard: whether the script has written the text given to `listen_for`.
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
        self._before = b""  # the last bytes read, as the awaited text may begin there
        self._reading = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._pump, daemon=True)

    def open(self) -> int:
        """Open a pipe; return its writing end for the script. The caller closes it once the script has started."""
        self._reading, writing = os.pipe()
        return writing

    def start(self) -> None:
        """Start copying; to be called once the script has started, since a fork is safe only while one thread runs."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._pump, daemon=True)
        self._thread.start()

    def listen_for(self, text: str) -> None:
        """Set `heard` once the script writes `text`, from now on."""
        self._awaited, self._before, self.heard = text.encode(), b"", False

    def drain(self) -> None:
        """Copy everything that the script has written. Do not wait for other processes that still hold the pipe."""
        self._stopping.set()
        self._thread.join(_DRAIN_SECONDS)
        if not self._thread.is_alive():  # if alive, a process outlived the script and still writes
            os.close(self._reading)

    def say(self, line: str) -> None:
        """Add a line of samerun to the log."""
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
                # An unfinished line, such as a progress bar, ends in what may be the beginning of a secret, but is too
                # short to be one. Nothing more came, so show it now.
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
            except OSError:  # for example a full disk; the script goes on
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
        """Write to standard output if its reader takes the data in time; else only the file gets it."""
        view = memoryview(data)
        while view:
            if not select.select([], [1], [], 0.0 if self._missing else _STUCK_SECONDS)[1]:
                self._missing += len(view)
                return
            if self._missing:
                note, self._missing = _MISSING.format(self._missing).encode(), 0
                os.write(1, note)
                continue
            view = view[os.write(1, view[: select.PIPE_BUF]) :]  # a pipe with room takes so much without blocking
