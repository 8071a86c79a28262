# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine that the docker command would use, and its refusals in one line each."""

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
_FIRST_SECONDS = 7.0  # for the first answer: whoever gets none is told within 10 s


def host(given: str = "") -> str:
    """The engine's address: `given` (`samerun_docker_host`), or as the docker command finds it.

    That looks at DOCKER_HOST, DOCKER_CONTEXT and the current context.

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
    """The address that a client library connects to: for `ssh://` a socket of this host.

    Raises:
        SamerunError: there is no way to that host.
    """
    address = host(given)
    return ssh.forwarded(address) if address.startswith("ssh://") else address


def connect(given: str = "", timeout: float | None = 60) -> Any:
    """A `docker.DockerClient` that has answered once.

    Args:
        given: the engine's address, see `host`.
        timeout: seconds for each answer after the first one, for which there are 7 at most.

    Raises:
        SamerunError: no engine, no permission, or an address that cannot be right; each with what to do.
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
    """Whether the engine is another machine's: folders and the loopback of this one are not its own."""
    parts = urlsplit(host(given))
    return parts.scheme == "ssh" or (parts.scheme in _BY_NETWORK and parts.hostname not in LOOPBACK)


def patience(given: str = "") -> float:
    """For how many seconds an engine that went away is looked for."""
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
    """Turn what the engine refuses inside the block into "Failed to <what>: <its own words>"."""
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
    """A tar for the engine's copy call.

    Args:
        content: path to bytes; the files get `mode` and belong to `uid`.
        folder: a folder to make for them that only `uid` may enter.
        writable: empty folders that anybody may write.
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
    """What the engine has of that name in `collection`, such as its containers or volumes, or None."""
    import docker

    try:
        return collection.get(name)
    except docker.errors.NotFound:
        return None


def read_file(container: Any, path: str) -> bytes | None:
    """The content of `path` in a container, running or not; None where there is none."""
    import docker

    try:
        return b"".join(files.pieces(container, path))
    except docker.errors.NotFound:
        return None
