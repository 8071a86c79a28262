# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the script as a process: starts it, signals it, and reaps it with every process that it started."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import descendants
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import Output

GRACE_SECONDS = 30
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# The files in which the kernel counts its out-of-memory kills, for cgroups version 2 and 1. They lie in the folder of
# this process's cgroup; a container sees that folder as the root.
_KILLS = {"": ("/sys/fs/cgroup", "memory.events"), "memory": ("/sys/fs/cgroup/memory", "memory.oom_control")}


class ScriptProcess:
    """The script of one launch; it can run again after it was lost.

    This class handles the signals of the shim's process. The first signal is passed to the script, which then has the
    grace period to end. The second one immediately kills the script and everything that it started. The end of the
    time limit acts like a signal.

    Args:
        timeout: seconds, 0 for none.
        grace: seconds between a signal and SIGKILL.
        note: the file in which the sender notes a signal before it sends it. The first process of a container does not
            get signals that come before its handlers are installed.

    Attributes:
        cancelled: the signal that came from outside, 0 for none.
        timed_out: whether the time limit ended the script.
        out_of_memory: whether the kernel killed the script, or a process that it started, because memory ran out.
    """

    def __init__(self, output: Output, timeout: int, grace: int = GRACE_SECONDS, note: str = "") -> None:
        self.cancelled = 0
        self.timed_out = self.out_of_memory = False
        self._output = output
        self._timeout = timeout
        self._grace = grace
        self._end = 0.0
        self._pid = 0
        self._starting = self._told = False  # the script is being started; it got `cancelled`
        descendants.adopt_orphans()
        self._noted = 0
        for number in SIGNALS:
            signal.signal(number, self._pass_on)
        signal.signal(signal.SIGALRM, self._deadline)
        self._read(note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # shim.pyz blocks them from its first line on

    def run(self, argv: Sequence[str], folder: str, env: Mapping[str, str]) -> int:
        """Run the script to its end; return its exit code, negative for a signal.

        Raises:
            OSError: it cannot be started.
        """
        kills = _out_of_memory_kills()
        writing = self._output.open()
        self._starting, self._told = True, False
        try:
            # Keep the Popen until the script is reaped: a deleted Popen may reap it itself, and the exit code is lost.
            started = subprocess.Popen(
                argv, cwd=folder, env=env, start_new_session=True, stdin=subprocess.DEVNULL, stdout=writing,
                stderr=writing, preexec_fn=descendants.dying_with(os.getpid()),
            )  # fmt: skip
            self._pid = started.pid
            if self._timeout:
                self.spend(0)
                signal.alarm(max(1, round(self._end - time.monotonic())))
        finally:
            self._starting = False
            os.close(writing)
            self._output.start()
        if self.cancelled and not self._told:  # the signal came during the start, or before
            self._tell(self.cancelled)
        code = self._reap(started.pid)
        self._pid = 0
        signal.alarm(0)
        descendants.kill_all(os.getpid())  # processes that the script left running end with it
        self._output.drain()
        self.out_of_memory = code < 0 and _out_of_memory_kills() > kills
        return code

    def spend(self, seconds: float) -> bool:
        """Start the time limit of all attempts, as if `seconds` had passed already; return whether it is over."""
        if self._timeout and not self._end:
            self._end = time.monotonic() + self._timeout - seconds
        self.timed_out = bool(self._timeout) and time.monotonic() >= self._end
        return self.timed_out

    def _read(self, note: str) -> None:
        with contextlib.suppress(OSError, ValueError), open(note, encoding="ascii") as noted:
            number = int(noted.read())
            if not self.cancelled:
                self.cancelled = self._noted = number

    def _reap(self, pid: int) -> int:
        """Wait for the script to end; meanwhile reap every orphan."""
        with _signals() as caught:
            while True:
                ended, status = os.waitpid(-1, os.WNOHANG)
                if ended == pid:
                    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                if not ended:
                    select.select([caught], [], [])
                    os.read(caught, select.PIPE_BUF)

    def _pass_on(self, number: int, _frame: Any) -> None:
        if number == self._noted:  # this signal was read from the note already
            self._noted = 0
            return
        again, self.cancelled = bool(self.cancelled), number
        if again:
            self._kill()
        elif self._starting:
            return  # `run` passes the signal on once the script has started
        elif self._pid:
            self._tell(number)
        else:
            self._kill()  # child processes before the script, such as the import check

    def _tell(self, number: int) -> None:
        self._told = True
        self._signal(number)
        signal.alarm(self._grace)

    def _deadline(self, _number: int, _frame: Any) -> None:
        if self.cancelled or self.timed_out:
            self._kill()
        else:
            self.timed_out = True
            self._signal(signal.SIGTERM)
            signal.alarm(self._grace)

    def _signal(self, number: int) -> None:
        if self._pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)

    def _kill(self) -> None:
        for pid in [self._pid, *descendants.found(os.getpid())]:
            if pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """Yield the reading end of a pipe that gets a byte for each signal, including SIGCHLD.

    A plain blocking wait could miss a signal that comes right before it: Python has checked for signals already, and
    would run the handler only after the script has ended by itself.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    told = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(told)
        signal.signal(signal.SIGCHLD, before)
        os.close(reading)
        os.close(writing)


def _out_of_memory_kills() -> int:
    with contextlib.suppress(OSError), open("/proc/self/cgroup", encoding="utf-8") as groups:
        for group in groups:
            controllers, path = group.rstrip("\n").split(":", 2)[1:]
            base, name = _KILLS.get(controllers, ("", ""))
            for folder in (base + path, base) if base else ():
                with contextlib.suppress(OSError), open(os.path.join(folder, name), encoding="ascii") as counts:
                    return next((int(line.split()[1]) for line in counts if line.startswith("oom_kill ")), 0)
    return 0
