"""Starts a separate Docker engine with a small disk, which a test may fill, stop and kill."""

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
    """Name what the engine needs and this machine lacks; empty if nothing is missing."""
    if os.getuid():
        return "needs root, to start a Docker engine of its own"
    wanted = [name for name in ("dockerd", "unshare", "mount") if not shutil.which(name)]
    return f"needs {' and '.join(wanted)}: apt install docker.io util-linux" if wanted else ""


@dataclass
class Dockerd:
    """A running engine.

    Attributes:
        disk: the file system with all its data.
        bridge: a bridge of this machine's network, for the engine to use; without one, it has an isolated network.
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
        """Start the engine; without a bridge in a separate network, as such an engine removes existing bridges."""
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
        """Whether the engine answers; it listens earlier, but first ends containers that a killed engine left."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(5)
            probe.connect(self.url.removeprefix("unix://"))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in probe.recv(100)
        return False

    def kill(self) -> None:
        """Kill the engine, as the kernel does when memory runs out; its containers go on without it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)
        self.process = None
        # Its containerd dies too, and may stay a zombie if nobody reaps it: the next engine would wait for its end.
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)  # the process is the engine: unshare has replaced itself
            self.process.wait(60)
            self.process = None

    def fill(self) -> Path:
        """Fill the disk completely; return the file that fills it."""
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
    """Start an engine with all its files in `folder`, whose path must be short."""
    made = Dockerd(folder, bridge)
    made.disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(made.disk)], check=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        for network in folder.glob("exec/netns/*"):  # an engine leaves these mounted
            subprocess.run(["umount", "--lazy", str(network)], check=True)
        subprocess.run(["umount", "--lazy", str(made.disk)], check=True)
