"""An SSH server on the loopback that accepts one key, and an ssh command with that key; it changes nothing else."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SSHD = "/usr/sbin/sshd"


def missing() -> str:
    """Name what an SSH server needs and this machine lacks; empty if nothing is missing."""
    if os.getuid():
        return "needs root, to start an SSH server that lets this user in"
    if not Path(SSHD).exists() or not shutil.which("ssh"):
        return "needs an SSH server and client: apt install openssh-server openssh-client"
    return ""


@dataclass
class Login:
    """A running server.

    Attributes:
        folder: the folder of keys and configuration; its folder `bin` has the ssh command, to put on PATH.
        port: its port on 127.0.0.1.
        sockets: the folder for the sockets of the ssh command; its path must be short.
    """

    folder: Path
    port: int
    sockets: str
    server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Return variables that give the ssh command the key and the host, and a separate folder for its sockets."""
        return {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "XDG_RUNTIME_DIR": self.sockets}

    def start(self) -> None:
        config = str(self.folder / "sshd_config")
        self.server = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL)
        _wait(self.port)

    def drop(self) -> None:
        """End every open connection."""
        assert self.server is not None
        for child in psutil.Process(self.server.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()

    def stop(self) -> None:
        """End the server and every connection."""
        if self.server is not None:
            self.drop()
            self.server.kill()
            self.server.wait()
            self.server = None


@contextmanager
def login(folder: Path) -> Iterator[Login]:
    """Start a server with all its files in `folder`."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    kind, key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\nPidFile none\n"
        "UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nStrictModes no\n"
    )
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "ssh"
    options = f"-F /dev/null -i {folder}/user -o IdentitiesOnly=yes -o UserKnownHostsFile={folder}/known"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    wrapper.chmod(0o755)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ssh-", ignore_cleanup_errors=True) as sockets:
        made = Login(folder, port, sockets)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
