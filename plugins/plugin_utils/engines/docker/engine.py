# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connects to the Docker engine that the docker command would use, and turns its errors into one line each."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import LOOPBACK
from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    NO_PERMISSION,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import away
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import files, ssh, words

_BY_NETWORK = ("tcp", "http", "https")
DEFAULT_HOST = "unix:///var/run/docker.sock"
_FIRST_SECONDS = 7.0  # for the first answer, so that the user learns within 10 s that there is none


def host(given: str = "") -> str:
    """Return the engine's address: `given` (`samerun_docker_host`), or the one that the docker command uses.

    The docker command reads DOCKER_HOST, then DOCKER_CONTEXT, then the current context.

    Raises:
        SamerunError: the context does not exist.
    """
    if address := given or os.environ.get("DOCKER_HOST"):
        return address
    from docker.context import ContextAPI

    name = os.environ.get("DOCKER_CONTEXT") or None
    found = ContextAPI.get_context(name)
    if found is None:
        raise SamerunError(
            f"Failed to find the Docker engine: there is no Docker context {name or 'as the configuration names it'}.",
            "See docker context ls, then docker context use NAME.",
            UNAVAILABLE,
        )
    return found.Host or DEFAULT_HOST


def base_url(given: str = "") -> str:
    """Return the address that the client library connects to: for `ssh://`, a forwarded socket on this host.

    Raises:
        SamerunError: SSH cannot reach the host.
    """
    address = host(given)
    return ssh.forwarded(address) if address.startswith("ssh://") else address


def connect(given: str = "", timeout: float | None = 60) -> Any:
    """Return a `docker.DockerClient` whose engine has answered once.

    Args:
        given: the engine's address, see `host`.
        timeout: seconds for each answer after the first; the first may take at most 7.

    Raises:
        SamerunError: there is no engine, no permission, or the address is invalid; the hint says what to do.
    """
    try:
        import docker
    except ImportError as error:
        raise SamerunError(
            "Failed to talk to Docker: the Python package docker is missing.", "pip install docker", UNAVAILABLE
        ) from error
    from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import sockets  # which needs docker too

    address, url = host(given), base_url(given)
    first = min(_FIRST_SECONDS, timeout or _FIRST_SECONDS)
    options: dict[str, Any] = {"base_url": url, "timeout": first}
    if os.environ.get("DOCKER_TLS_VERIFY") and address.startswith("tcp://"):
        folder = os.environ.get("DOCKER_CERT_PATH") or os.path.expanduser("~/.docker")
        options["tls"] = docker.tls.TLSConfig(
            client_cert=(f"{folder}/cert.pem", f"{folder}/key.pem"), ca_cert=f"{folder}/ca.pem", verify=True
        )
    try:
        sockets.check(url, first)
        client = docker.DockerClient(**options)
        sockets.use(client, url)
        client.ping()
    except (docker.errors.DockerException, OSError) as error:
        raise _unreachable(address, given, error) from error
    client.api.timeout = timeout  # type: ignore[assignment]
    return client


def is_remote(given: str = "") -> bool:
    """Whether the engine runs on another machine, which does not share folders and loopback with this one."""
    parts = urlsplit(host(given))
    return parts.scheme == "ssh" or (parts.scheme in _BY_NETWORK and parts.hostname not in LOOPBACK)


def patience(given: str = "") -> float:
    """Return for how many seconds to try to reach an engine that stopped answering."""
    return away.ELSEWHERE if is_remote(given) else away.HERE


def _unreachable(address: str, given: str, error: BaseException) -> SamerunError:
    why = words.away(str(error))
    found = "DOCKER_HOST" if os.environ.get("DOCKER_HOST") else "the Docker context"
    origin = "samerun_docker_host" if given else found
    if address.startswith("ssh://"):
        who = ssh.target(address)
        return SamerunError(
            f"Failed to talk to the Docker engine at {address}: we get in, and its socket there does not answer.",
            f"Does Docker run there, and may that user use it? ssh {who} docker version, and there: "
            "sudo usermod -aG docker USER",
            NO_PERMISSION,
        )
    if why is words.Away.FORBIDDEN:
        return SamerunError(
            f"Failed to talk to the Docker engine at {address}: no permission on its socket.",
            "sudo usermod -aG docker $USER, then log in again.",
            NO_PERMISSION,
        )
    if why is words.Away.SILENT:
        return SamerunError(
            f"Failed to talk to the Docker engine at {address}: it takes a connection and says nothing.",
            "It may just be starting; else start it again (sudo systemctl restart docker, or Docker Desktop).",
            UNAVAILABLE,
        )
    if address == DEFAULT_HOST:
        return SamerunError(
            f"Failed to talk to the Docker engine at {address}: nothing answers.",
            "Start Docker (sudo systemctl start docker, or Docker Desktop), or train without it: "
            "samerun -i process train",
            UNAVAILABLE,
        )
    cause = "the address is not one of Docker's" if why is words.Away.NO_ADDRESS else "nothing answers"
    return SamerunError(
        f"Failed to talk to the Docker engine at {address} ({origin}): {cause}.",
        "Correct it or unset it: see docker context ls.",
        UNAVAILABLE,
    )


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an error of the engine inside the block into "Failed to <what>: <its own words>"."""
    import docker
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        raise words.refusal(what, error.explanation or str(error)) from error
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise SamerunError(
            f"Failed to {what}: the Docker engine went away ({type(error).__name__}).",
            "Start it again; samerun status then finds the run.",
            UNAVAILABLE,
        ) from error


def archive(
    content: Mapping[str, bytes], *, mode: int = 0o644, uid: int = 0, folder: str = "", writable: tuple[str, ...] = ()
) -> bytes:
    """Return a tar for the engine's copy call.

    Args:
        content: path to bytes; the files get `mode` and belong to `uid`.
        folder: a folder to make for the files; only `uid` may enter it.
        writable: empty folders to make; every user may write there.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, bits in [*((path, 0o777) for path in writable), *([(folder, 0o700)] if folder else [])]:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.uid = tarfile.DIRTYPE, bits, uid
            tar.addfile(info)
        for path, data in sorted(content.items()):
            info = tarfile.TarInfo(path)
            info.size, info.mode, info.uid = len(data), mode, uid
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def found(collection: Any, name: str) -> Any:
    """Return the object `name` of `collection`, such as the engine's containers or volumes; None if there is none."""
    import docker

    try:
        return collection.get(name)
    except docker.errors.NotFound:
        return None


def read_file(container: Any, path: str) -> bytes | None:
    """Return the content of the file `path` in a container, running or not; None if it does not exist."""
    import docker

    try:
        return b"".join(files.pieces(container, path))
    except docker.errors.NotFound:
        return None
