# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forwards the socket of a Docker engine on another host to a socket on this host, through SSH.

One ssh process forwards the socket for all clients on this host. It ends by itself after a while without connections.
The other host needs only sshd and permission to use the engine's socket. This host needs the ssh command; ssh reads
its usual settings.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_runtime_path

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    CONFIG,
    NO_PERMISSION,
    UNAVAILABLE,
    SamerunError,
)

_SOCKET_THERE = "/var/run/docker.sock"
_IDLE_SECONDS = 30
_LONGEST = 75  # bytes of the folder's path; ssh first binds its control socket under a longer name
_OPTIONS = {
    "BatchMode": "yes",  # ssh must not prompt: nobody could answer in a play
    "ConnectTimeout": "8",
    "ControlMaster": "yes",
    "ControlPersist": str(_IDLE_SECONDS),
    "ExitOnForwardFailure": "yes",
    # Detect a dead connection even while nothing is sent.
    "ServerAliveCountMax": "3",
    "ServerAliveInterval": "5",
    "StreamLocalBindMask": "0177",
    "StreamLocalBindUnlink": "yes",
}
# Words in the error of ssh, and the cause that they mean.
_CAUSES = (
    (
        "could not resolve",
        "there is no host of that name",
        "Correct it: samerun_docker_host, DOCKER_HOST or the Docker context.",
        UNAVAILABLE,
    ),
    (
        "host key verification failed",
        "its host key is not known here, or is not the known one",
        "Log in by hand once and compare the key: ssh {target}",
        NO_PERMISSION,
    ),
    (
        "permission denied",
        "it does not let us in without a password",
        "Give it your key (ssh-copy-id {target}) or load yours (ssh-add), and try: ssh {target} true",
        NO_PERMISSION,
    ),
    ("bad configuration option", "ssh here is older than 6.7", "Update OpenSSH's client.", CONFIG),
)


def forwarded(address: str) -> str:
    """Forward the engine at `address` (`ssh://[user@]host[:port][/path]`); return the address of the local socket.

    Raises:
        SamerunError: the host cannot be reached or refuses the login.
    """
    folder = _folder(address)
    here = folder / "docker.sock"
    with files.locked(folder / "lock"):
        if not _listens(here):
            _start(address, folder / "control", here)
    return f"unix://{here}"


def target(address: str) -> str:
    """Return the host as a user would type it after `ssh`."""
    parts = urlsplit(address)
    host = f"{parts.username}@{parts.hostname}" if parts.username else str(parts.hostname)
    return f"-p {parts.port} {host}" if parts.port else host


def _folder(address: str) -> Path:
    """Return a folder that only this user may enter, with a path short enough for sockets."""
    key = hashlib.sha256(address.encode()).hexdigest()[:12]
    folder = user_runtime_path("samerun") / f"ssh-{key}"
    if len(os.fsencode(folder)) > _LONGEST:
        folder = Path(f"/tmp/samerun-{os.getuid()}-ssh-{key}")  # noqa: S108 - its owner is verified below
    files.private_folder(folder)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SamerunError(f"Failed to use {folder}: others may enter it.", f"Remove it: rm -r {folder}", NO_PERMISSION)
    return folder


def _listens(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.connect(str(path))
        return True
    return False


def _start(address: str, control: Path, here: Path) -> None:
    there = urlsplit(address).path.rstrip("/") or _SOCKET_THERE
    for path in (control, here):
        path.unlink(missing_ok=True)
    options = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
    argv = ["ssh", "-N", *options, "-S", str(control), "-L", f"{here}:{there}", *target(address).split()]
    # A file, not a pipe: the ssh process in the background would keep a pipe open.
    with tempfile.TemporaryFile() as said:
        try:
            ended = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True, check=False
            )
        except FileNotFoundError as error:
            raise SamerunError(
                f"Failed to reach {address}: there is no ssh command here.", "Install OpenSSH's client.", UNAVAILABLE
            ) from error
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    if ended.returncode:
        raise _refusal(address, words)


def _refusal(address: str, words: str) -> SamerunError:
    lower, last = words.lower(), (words.splitlines() or ["ssh says nothing"])[-1].rstrip(".")
    for part, cause, hint, code in _CAUSES:
        if part in lower:
            told = hint.format(target=target(address))
            return SamerunError(
                f"Failed to reach the Docker engine at {address}: {cause} (ssh says: {last}).", told, code
            )
    return SamerunError(
        f"Failed to reach the Docker engine at {address}: ssh says: {last}.",
        f"Is the host up? Try: ssh {target(address)} true",
        UNAVAILABLE,
    )
