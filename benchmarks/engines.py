"""Records when an engine learns that something ended: reads the engine's events while a command is timed."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import bare
import measure

# It ends half a second after its first line; by then, every measured command waits for its end.
SCRIPT = """\
import os, socket, sys, time

print("the first line", os.getppid(), socket.gethostname(), flush=True)
time.sleep(0.5)
print("the last line", time.time(), flush=True)
"""
FAILING = f"{SCRIPT}sys.exit(1)\n"
_FIRST, _LAST = "the first line ", "the last line "

_DOCKER = ["events", "--filter", "type=container", "--filter", "event=die", "--format", "{{.ID}} Ended"]
_POD = '{.metadata.name} {.status.phase} {.status.containerStatuses[*].state.waiting.reason}{"\\n"}'
_ENDED = {"Ended", "Succeeded", "Failed"}
_NOT_PULLED = {"ErrImagePull", "ImagePullBackOff"}
_PATIENCE = 10.0


class Engine:
    """The events of one engine, each with the time at which it arrived. A context manager.

    For Docker these are the lines of `docker events`, for Kubernetes those of `kubectl get pods --watch`. For processes
    it is the end of the script's parent, which is the shim.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.target: str = options.target
        self._argv: list[str] = []
        if self.target == "docker":
            self._argv = [measure.needed("docker"), *_DOCKER]
        elif self.target == "kubernetes":
            self._argv = [*bare.kubectl(options), "get", "pods", "--watch", "-o", f"jsonpath={_POD}"]
        self._said: list[tuple[float, list[str]]] = []
        self._news = threading.Condition()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Engine:
        if self._argv:
            self._process = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def began(self, line: str) -> None:
        """Take a line of a script; the first line names the process to wait for."""
        if self.target != "process" or _FIRST not in line or not hasattr(os, "pidfd_open"):
            return
        if (parent := int(line.split(_FIRST)[1].split()[0])) == os.getpid():
            return
        with contextlib.suppress(ProcessLookupError):
            threading.Thread(target=self._outlive, args=(os.pidfd_open(parent), parent), daemon=True).start()

    def ended(self, line: str, since: float) -> float | None:
        """Return when the engine knew that the script with first line `line` had ended; None if it does not tell."""
        parent, host = line.split(_FIRST)[1].split()[:2]
        if self.target == "process" and (int(parent) == os.getpid() or not hasattr(os, "pidfd_open")):
            return None
        where = parent if self.target == "process" else host
        return self._when(lambda words: words[0].startswith(where) and bool(_ENDED & set(words)), since)

    def refused(self, since: float) -> float | None:
        """Return when the engine knew that an image cannot be pulled; None if it does not tell."""
        if self.target != "kubernetes":
            return None
        return self._when(lambda words: bool(_NOT_PULLED & set(words)), since)

    def _when(self, wanted: Callable[[list[str]], bool], since: float) -> float | None:
        with self._news:
            self._news.wait_for(lambda: any(t >= since and wanted(words) for t, words in self._said), _PATIENCE)
            return next((t for t, words in self._said if t >= since and wanted(words)), None)

    def _read(self) -> None:
        for line in (self._process and self._process.stdout) or ():
            self._say(line.split())

    def _outlive(self, descriptor: int, process: int) -> None:
        try:
            select.select([descriptor], [], [])
        finally:
            os.close(descriptor)
        self._say([str(process), "Ended"])

    def _say(self, words: list[str]) -> None:
        with self._news:
            self._said.append((time.time(), words))
            self._news.notify_all()


@dataclass(frozen=True)
class Times:
    """Seconds of one command that ran SCRIPT or FAILING.

    Attributes:
        first: from the command to its first line.
        whole: from the command to its exit.
        after_script: from the script's last line to the exit of the command, by the script's clock.
        after_engine: from the time when the engine knew to that exit; negative if the log told it sooner.
    """

    first: float
    whole: float
    after_script: float
    after_engine: float | None


def timed(command: Callable[[Callable[[str], None]], measure.Ran], engine: Engine, ours: bool) -> Times:
    """Run a command and time it; without `ours`, the end of the script's parent means nothing, and is not used."""
    ran = command(engine.began)
    came, first = ran.line(_FIRST)
    last = float(ran.line(_LAST)[1].split(_LAST)[1].split()[0])
    known = engine.ended(first, came) if ours or engine.target != "process" else None
    return Times(came - ran.began, ran.seconds, ran.ended - last, None if known is None else ran.ended - known)


def tables(title: str, taken: dict[str, list[Times]], fields: dict[str, str]) -> str:
    """Return one table for each of `fields`, which maps a field of Times to its title."""
    made = []
    for name, words in fields.items():
        values = {row: [getattr(one, name) for one in times] for row, times in taken.items()}
        known = {row: numbers for row, numbers in values.items() if None not in numbers}
        if known:
            made.append(measure.table(f"{words}, {title}", known))
    return "\n\n".join(made)
