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
        bridge: of this machine's network, which it then uses; without one it has a network of its own, and no way out.
    """

    folder: Path
    bridge: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    def start(self) -> None:
        """Start it; without a bridge in a network of its own: such an engine removes the one that it finds."""
        argv = [
            *(() if self.bridge else ("unshare", "--net")), "dockerd", "--host", self.url,
            "--data-root", str(self.disk / "data"), "--exec-root", str(self.folder / "exec"),
            "--pidfile", str(self.folder / "pid"), "--bridge", self.bridge or "none", "--iptables=false",
            "--ip-forward=false", "--ip-masq=false",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        """It listens before: first it ends what one that was killed left alive."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(5)
            probe.connect(self.url.removeprefix("unix://"))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in probe.recv(100)
        return False

    def kill(self) -> None:
        """As when its machine has no memory left for it: what it started goes on without it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)
        self.process = None
        # Its containerd dies with it, and stays a zombie where nobody reaps: the next one would wait for that.
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

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
def dockerd(folder: Path, megabytes: int, bridge: str = "") -> Iterator[Dockerd]:
    """Start an engine with all that it has in `folder`, whose name must be short."""
    made = Dockerd(folder, bridge)
    made.disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(made.disk)], check=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        for network in folder.glob("exec/netns/*"):  # which an engine leaves mounted
            subprocess.run(["umount", "--lazy", str(network)], check=True)
        subprocess.run(["umount", "--lazy", str(made.disk)], check=True)
