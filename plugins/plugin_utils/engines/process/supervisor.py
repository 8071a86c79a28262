# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs supervisord as the engine of the process world: writes its configuration, and calls its API over a socket.

See http://supervisord.org/configuration.html and http://supervisord.org/api.html.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import socket
import subprocess
import tempfile
import xmlrpc.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError

INHERITED = ("HOME", "LANG", "PATH", "TMPDIR")  # variables that supervisord and its programs get from our environment
_LONGEST_SOCKET = 90  # bytes; supervisord first binds a longer name, then renames it
_MAIN = """\
[unix_http_server]
file = {socket}
chmod = 0600
[supervisord]
directory = {folder}
identifier = samerun
logfile = {folder}/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 2
pidfile = {folder}/supervisord.pid
childlogdir = {folder}
umask = 077
nocleanup = true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{socket}
[include]
files = {folder}/*.conf.d
"""
_PROGRAM = """\
[program:{name}]
command = {command}
directory = {folder}
environment = {environment}
autostart = true
autorestart = true
startsecs = 2
startretries = 1000000
stopsignal = TERM
stopwaitsecs = 35
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""


class Supervisor:
    """The supervisord of one folder; it need not run yet.

    Args:
        folder: the folder of its configuration and log, and of its socket if the path is short enough.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def socket(self) -> Path:
        path = self.folder / "supervisor.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET:
            return path
        key = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"samerun-{os.getuid()}-{key}" / "s.sock"

    @property
    def rpc(self) -> Any:
        """Return its XML-RPC interface; each call raises an OSError if supervisord does not run."""
        server = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(self.socket))
        return server.supervisor

    def answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.rpc.getState()
            return True
        return False

    def start(self, python: Path) -> None:
        """Start supervisord as a daemon that outlives this process, unless it answers already."""
        if self.answers():
            return
        files.private_folder(self.socket.parent)
        self.socket.unlink(missing_ok=True)
        configuration = self.folder / "supervisord.conf"
        _end_those_of(configuration)
        files.write_private(configuration, _MAIN.format(folder=self.folder, socket=self.socket))
        environ = {key: os.environ[key] for key in INHERITED if key in os.environ}
        done = subprocess.run(
            [str(python), "-m", "supervisor.supervisord", "-c", str(configuration)],
            env=environ, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()
            raise SamerunError(
                f"Failed to start supervisord: {words[-1] if words else f'exit code {done.returncode}'}",
                f"See {self.folder / 'supervisord.log'}",
                UNAVAILABLE,
            )

    def state(self, name: str) -> str:
        """Return the program's state in supervisord's words; empty if the program or supervisord does not exist."""
        try:
            return str(self.rpc.getProcessInfo(name)["statename"])
        except (OSError, http.client.HTTPException, xmlrpc.client.Fault):
            return ""

    def program_path(self, name: str) -> Path:
        return self.folder / f"{name}.conf.d"

    def apply(self, name: str, *, restart: bool) -> None:
        """Make the program run as its configuration file says."""
        added, changed, removed = self.rpc.reloadConfig()[0]
        for group in [*changed, *removed]:
            self.rpc.stopProcessGroup(group)
            self.rpc.removeProcessGroup(group)
        for group in [*added, *changed]:
            self.rpc.addProcessGroup(group)
        fresh = name in (*added, *changed)
        if restart and not fresh and self.state(name) in ("RUNNING", "STARTING"):
            self.rpc.stopProcess(name)
        if self.state(name) not in ("RUNNING", "STARTING", "BACKOFF"):
            self.rpc.startProcess(name, False)

    def shutdown(self) -> bool:
        """End supervisord and all its programs; return whether it ran."""
        if not self.answers():
            return False
        pid = int(self.rpc.getPID())
        self.rpc.shutdown()
        with contextlib.suppress(SamerunError):
            _wait_for_end(pid)
        return True


def _end_those_of(configuration: Path) -> None:
    """End every supervisord with this configuration file that does not answer, as after its folder was removed by hand.

    It would restart its programs again and again, and each restart would end the programs of the new supervisord.
    """
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[-2:] == ["-c", str(configuration)]:
            with contextlib.suppress(psutil.Error):
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=5)


def program(name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> str:
    """Return the configuration file that runs `command` as a program of supervisord."""
    quoted = ",".join(f'{key}="{_plain(value)}"' for key, value in sorted(environment.items()))
    words = " ".join(f'"{_plain(word)}"' for word in command)
    return _PROGRAM.format(name=name, command=words, environment=quoted, folder=folder, log=log)


def _plain(text: str) -> str:
    """Escape `text` for supervisord's configuration, in which a percent sign is special."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def _wait_for_end(pid: int) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(timeout=45)


class _Transport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def request(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().request(*arguments, **options)
        finally:
            self.close()

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        self._connection = (None, _Connection(self._path))  # `close` closes this one
        return self._connection[1]


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise
