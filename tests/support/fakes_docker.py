"""A Docker engine in memory: the official client over a fake API, which answers from dictionaries."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import docker
import pytest
import requests

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine

LONG_AGO = "2026-01-01T00:00:00.000000000Z"


def refusal(status: HTTPStatus, words: str) -> docker.errors.APIError:
    """Return the error that the client raises for such an answer of the engine."""
    answer = requests.Response()
    answer.status_code = status
    kinds = {HTTPStatus.NOT_FOUND: docker.errors.ImageNotFound if "image" in words else docker.errors.NotFound}
    return kinds.get(status, docker.errors.APIError)(words, response=answer, explanation=words)


class FakeApi(docker.APIClient):
    """A fake API with the objects of an engine, in the engine's own format.

    Attributes:
        held: kind (`container`, `image`, `network`, `volume`) to name to the object's description.
        files: content by path, the same for all containers.
        said: the log of every container.
        happened: the engine's events.
        refuses: the error for each call that is refused.
        asked: the calls that change something.
    """

    def __init__(self) -> None:  # do not connect: there is no engine
        self.held: dict[str, dict[str, dict[str, Any]]] = {"container": {}, "image": {}, "network": {}, "volume": {}}
        self.files: dict[str, bytes] = {}
        self.said = b""
        self.happened: list[dict[str, Any]] = []
        self.refuses: dict[str, docker.errors.APIError] = {}
        self.asked: list[str] = []

    def close(self) -> None:
        """There is no connection."""

    def _one(self, kind: str, key: str) -> dict[str, Any]:
        for name, attrs in self.held[kind].items():
            if key in (name, attrs.get("Id")):
                return attrs
        raise refusal(HTTPStatus.NOT_FOUND, f"no such {kind}: {key}")

    def _do(self, call: str, what: str) -> None:
        if call in self.refuses:
            raise self.refuses[call]
        self.asked.append(f"{call} {what}")

    def info(self) -> dict[str, Any]:
        return {"SystemTime": LONG_AGO}

    def version(self, api_version: bool = True) -> dict[str, Any]:
        return {"Os": "linux", "Arch": "amd64"}

    def events(  # type: ignore[override] # always decoded
        self, since: Any = None, until: Any = None, filters: dict[str, Any] | None = None, decode: bool | None = None
    ) -> Iterator[dict[str, Any]]:
        wanted = (filters or {}).get("container")
        return iter([event for event in self.happened if wanted in (None, event.get("id"))])

    def inspect_container(self, container: Any) -> dict[str, Any]:
        return self._one("container", container)

    def containers(
        self,
        quiet: bool = False,
        all: bool = False,  # noqa: A002 - the base class' name
        trunc: bool = False,
        latest: bool = False,
        since: str | None = None,
        before: str | None = None,
        limit: int = -1,
        size: bool = False,
        filters: Any = None,
    ) -> list[dict[str, Any]]:
        found = [one for one in self.held["container"].values() if all or one["State"]["Status"] == "running"]
        return [{**one, "Labels": one["Config"]["Labels"]} for one in _filtered(found, filters or {})]

    def create_container_from_config(self, config: Any, name: Any = None, platform: Any = None) -> dict[str, str]:
        self._do("create", name)
        self.held["container"][name] = container(name, status="created", config=config)
        return {"Id": f"id of {name}"}

    def start(self, container: Any) -> None:
        self._do("start", container)
        self._one("container", container)["State"]["Status"] = "running"

    def kill(self, container: Any, signal: str | int | None = None) -> None:
        self._do("kill", f"{container} {signal}")

    def unpause(self, container: Any) -> None:
        self._do("unpause", container)

    def remove_container(self, container: Any, v: bool = False, link: bool = False, force: bool = False) -> None:
        self._do("remove", container)
        del self.held["container"][self._one("container", container)["Name"].lstrip("/")]

    def put_archive(self, container: Any, path: str, data: Any) -> bool:
        self._do("put_archive", container)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                if content := tar.extractfile(member):
                    self.files[f"{path.rstrip('/')}/{member.name}"] = content.read()
        return True

    def get_archive(
        self, container: Any, path: Any, chunk_size: int | None = 2097152, encode_stream: bool = False
    ) -> tuple[Iterable[bytes], dict[str, Any]]:
        if path not in self.files:
            raise refusal(HTTPStatus.NOT_FOUND, f"no such file: {path}")
        name = path.rpartition("/")[2]
        pieces = (part for part in [engine.archive({name: self.files[path]})])  # which can be closed
        return pieces, {"name": name, "size": len(self.files[path])}

    def logs(self, container: Any, *given: Any, **named: Any) -> bytes:  # type: ignore[override] # never a stream
        return self.said

    def inspect_image(self, image: Any) -> dict[str, Any]:
        return self._one("image", image)

    def networks(self, names: list[Any] | None = None, ids: list[Any] | None = None, filters: Any = None) -> Any:
        found = self.held["network"].values()
        # The real engine's filter matches a part of the name too.
        return _filtered([one for one in found if not names or names[0] in one["Name"]], filters or {})

    def create_network(self, name: str, *given: Any, **named: Any) -> dict[str, str]:
        self._do("create_network", name)
        made = network(name, labels=named.get("labels"), key=f"id of our {name}", created="2026-01-02T00:00:00Z")
        self.held["network"][made["Id"]] = made
        return {"Id": made["Id"]}

    def inspect_network(self, net_id: Any, verbose: bool | None = None, scope: Any = None) -> dict[str, Any]:
        return self._one("network", net_id)

    def remove_network(self, net_id: Any) -> None:
        self._do("remove_network", net_id)
        self.held["network"] = {key: one for key, one in self.held["network"].items() if one["Id"] != net_id}

    def inspect_volume(self, name: str) -> dict[str, Any]:
        return self._one("volume", name)

    def volumes(self, filters: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"Volumes": _filtered([*self.held["volume"].values()], filters or {})}

    def remove_volume(self, name: Any, force: bool = False) -> None:
        self._do("remove_volume", name)
        del self.held["volume"][name]


class FakeDocker(docker.DockerClient):
    """The official client of a `FakeApi`."""

    def __init__(self) -> None:
        self.api = self.fake = FakeApi()

    def add(self, kind: str, **described: Any) -> dict[str, Any]:
        """Add an object to the engine; `container`, `network` and `volume` make descriptions."""
        makers: dict[str, Callable[..., dict[str, Any]]] = {
            "container": container, "image": image, "network": network, "volume": volume,
        }  # fmt: skip
        made = makers[kind](**described)
        self.fake.held[kind][str(made["Name"]).lstrip("/")] = made
        return made


def container(
    name: str,
    status: str = "running",
    labels: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    ports: Iterable[int] = (),
    **state: Any,
) -> dict[str, Any]:
    """Return the engine's description of a container; `state` are fields of its State."""
    found = {"Labels": dict(labels or {}), "User": "", **(config or {})}
    bindings = {f"{port}/tcp": [{"HostIp": "", "HostPort": str(port)}] for port in ports}
    times = {"StartedAt": LONG_AGO, "FinishedAt": LONG_AGO}
    return {
        "Id": f"id of {name}", "Name": f"/{name}", "Created": LONG_AGO, "Image": "id of the image", "Config": found,
        "State": {"Status": status, "ExitCode": 0, **times, **state},
        "HostConfig": {"PortBindings": bindings, **found.get("HostConfig", {})}, "NetworkSettings": {"Networks": {}},
    }  # fmt: skip


def image(name: str, **more: Any) -> dict[str, Any]:
    """Return the engine's description of an image."""
    return {"Id": f"id of {name}", "Name": name, "Os": "linux", "Architecture": "amd64", **more}


def network(
    name: str, labels: Mapping[str, str] | None = None, key: str = "", created: str = LONG_AGO
) -> dict[str, Any]:
    """Return the engine's description of a network; several may have the same name."""
    return {"Id": key or f"id of {name}", "Name": name, "Labels": dict(labels or {}), "Created": created}


def volume(name: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the engine's description of a volume."""
    return {"Name": name, "Labels": dict(labels or {})}


def connected(monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Make every connection use one fake engine, which counts as this host's, until the test ends."""
    found = FakeDocker()
    monkeypatch.setenv("DOCKER_HOST", engine.DEFAULT_HOST)
    monkeypatch.setattr(engine, "connect", lambda *_given, **_named: found)
    return found


def _filtered(found: list[dict[str, Any]], filters: Mapping[str, Any]) -> list[dict[str, Any]]:
    wanted = filters.get("label", [])
    for label in [wanted] if isinstance(wanted, str) else wanted:
        name, _, value = label.partition("=")
        found = [one for one in found if value in (_labels(one).get(name), "") and name in _labels(one)]
    if within := filters.get("network") or filters.get("volume"):
        found = [one for one in found if within in one["Config"].get("Uses", ())]
    return found


def _labels(one: Mapping[str, Any]) -> Mapping[str, str]:
    labels: Mapping[str, str] = one["Config"]["Labels"] if "Config" in one else one["Labels"]
    return labels
