# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The script as a process: started, signalled, reaped with everything that it started.

This file travels with a launch, see shim.py.
"""

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
# Where the kernel counts the processes that it killed for want of memory, by the cgroups' version 2 or 1: in the folder
# of this process's cgroup, which a container sees as the root.
_KILLS = {"": ("/sys/fs/cgroup", "memory.events"), "memory": ("/sys/fs/cgroup/memory", "memory.oom_control")}


class ScriptProcess:
    """One launch's script, run once or, after it was lost, again.

    The signals of this process belong to it: the first one reaches the script, which then has its grace; the second
    ends it and all that it started at once. So does the end of the time limit.

    Args:
        timeout: seconds, 0 for none.
        grace: seconds between a signal and SIGKILL.
        note: the path at which a signal is noted before it is sent. The first process of a container does not get what
            comes before its handlers are there.

    Attributes:
        cancelled: the first signal that came from outside, 0 for none.
        timed_out: whether the time limit ended it.
        out_of_memory: whether the kernel killed it, or something that it started, for want of memory.
    """

    def __init__(self, output: Output, timeout: int, grace: int = GRACE_SECONDS, note: str = "") -> None:
        self.cancelled = 0
        self.timed_out = self.out_of_memory = False
        self._output = output
        self._timeout = timeout
        self._grace = grace
        self._end = 0.0
        self._pid = 0
        self._starting = self._told = False  # whether the script is being started, and whether it knows of `cancelled`
        descendants.adopt_orphans()
        self._noted = 0
        for number in SIGNALS:
            signal.signal(number, self._pass_on)
        signal.signal(signal.SIGALRM, self._deadline)
        self._read(note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # who started us may have kept them until now

    def run(self, argv: Sequence[str], folder: str, env: Mapping[str, str]) -> int:
        """Run it to its end; return its exit code, negative for a signal.

        Raises:
            OSError: it cannot be started.
        """
        kills = _out_of_memory_kills()
        writing = self._output.open()
        self._starting, self._told = True, False
        try:
            # Held until it is reaped: a Popen that is thrown away takes the exit code of a script that was quick.
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
        if self.cancelled and not self._told:  # while it was being started, or before
            self._tell(self.cancelled)
        code = self._reap(started.pid)
        self._pid = 0
        signal.alarm(0)
        descendants.kill_all(os.getpid())  # what the script left running dies with it
        self._output.drain()
        self.out_of_memory = code < 0 and _out_of_memory_kills() > kills
        return code

    def spend(self, seconds: float) -> bool:
        """Let the time limit, of all attempts together, begin `seconds` ago; return whether it is over."""
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
        """Wait for the script and for every orphan meanwhile."""
        with _signals() as caught:
            while True:
                ended, status = os.waitpid(-1, os.WNOHANG)
                if ended == pid:
                    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                if not ended:
                    select.select([caught], [], [])
                    os.read(caught, select.PIPE_BUF)

    def _pass_on(self, number: int, _frame: Any) -> None:
        if number == self._noted:  # it is the one that was noted
            self._noted = 0
            return
        again, self.cancelled = bool(self.cancelled), number
        if again:
            self._kill()
        elif self._starting:
            return  # the script is told once it is there, and has its grace
        elif self._pid:
            self._tell(number)
        else:
            self._kill()  # what looks at things before the script, say

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
    """A pipe that has a byte for each signal that came, SIGCHLD included.

    A wait that is interrupted by signals alone would miss one that comes right before it: Python has looked already,
    and its handler runs when the script has ended by itself.
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
