"""A Docker engine of the test's own with a small disk, which it may fill, stop and kill."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def missing() -> str:
    """What it needs and this machine does not have; empty if all is there."""
    if os.getuid():
        return "needs root, to start a Docker engine of its own"
    wanted = [name for name in ("dockerd", "unshare", "mount") if not shutil.which(name)]
    return f"needs {' and '.join(wanted)}: apt install docker.io util-linux" if wanted else ""


@dataclass
class Dockerd:
    """A running engine.

    Attributes:
        disk: what all of its data lies on.
    """

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    def start(self) -> None:
        """Start it in a network of its own: an engine without a bridge removes the one that it finds."""
        argv = [
            "unshare", "--net", "dockerd", "--host", self.url, "--data-root", str(self.disk / "data"), "--exec-root",
            str(self.folder / "exec"), "--pidfile", str(self.folder / "pid"), "--bridge", "none", "--iptables=false",
            "--ip-forward=false", "--ip-masq=false",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while not self._listens():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(self.url.removeprefix("unix://"))
            return True
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)  # unshare has become it
            self.process.wait(60)
            self.process = None

    def fill(self) -> Path:
        """Leave nothing of its disk; return the file that has the rest."""
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as out:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        out.write(bytes(size))
                except OSError:
                    continue
        return filler


@contextmanager
def dockerd(folder: Path, megabytes: int) -> Iterator[Dockerd]:
    """Start an engine with all that it has in `folder`, whose name must be short."""
    made = Dockerd(folder)
    made.disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(made.disk)], check=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        subprocess.run(["umount", "--lazy", str(made.disk)], check=True)
