# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A long-lived service as data: its names, ports, image, command, secrets and health check.

The data holds templates; `Service.at` fills them in for the host that runs the service.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from string import Template
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import World, moved_key
from ansible_collections.samerun.stack.plugins.plugin_utils.services.diagnosis import Diagnosis
from ansible_collections.samerun.stack.plugins.plugin_utils.services.health import Health

_ELSEWHERE = ("needs", "diagnoses", "secrets")  # not hashed: already part of the command, or of no effect on what runs


@dataclass(frozen=True)
class Port:
    """A port of a service, the same inside and outside.

    Attributes:
        variable: the variable that sets the port.
        node_port: the NodePort on a cluster; 0 for none.
        asked: the value of `variable`; `port` differs from it if that port was taken.
    """

    name: str
    port: int
    variable: str
    node_port: int = 0
    asked: int = 0

    @classmethod
    def from_options(cls, given: Mapping[str, Any], kept: Mapping[str, int]) -> Port:
        """Read a port; `kept` holds the ports that replaced taken ones in this world, by `moved_key`."""
        asked, variable = int(given["port"]), given["variable"]
        port = int(kept.get(moved_key(variable, asked), asked))
        return cls(given["name"], port, variable, int(given.get("node_port") or 0), asked)


@dataclass(frozen=True)
class Claim:
    """The names and ports that a service will take, known before it exists.

    Attributes:
        role: the prefix of its variables.
        built: whether its image is built here.
        kind: the implementation, such as `minio`.
        chosen_by: the variable that chooses `kind`; empty for none.
        targets: the targets on which that kind can run.
    """

    role: str
    title: str
    name: str
    namespace: str
    data: str
    ports: tuple[Port, ...]
    built: bool
    kind: str
    chosen_by: str
    targets: tuple[str, ...]

    @classmethod
    def from_options(cls, given: Mapping[str, Any], kept: Mapping[str, int]) -> Claim:
        """Read the claim of a service as its data file declares it."""
        ports = tuple(Port.from_options(port, kept) for port in given["ports"])
        changed = {"ports": ports, "targets": tuple(given["targets"]), "kind": given["kind"] or given["name"]}
        return cls(**{key.name: {**given, **changed}[key.name] for key in fields(cls)})


@dataclass(frozen=True)
class Places:
    """The paths and addresses that a service's command may refer to, on the host that runs it.

    Attributes:
        data: the folder of its data.
        secrets: the folder of its secret files.
        bin: the folder of its programs with a slash at the end; empty if they are on the search path.
        listen: the address that it listens on.
        itself: the address at which the service's own parts reach each other.
    """

    data: str
    secrets: str
    bin: str = ""
    listen: str = "0.0.0.0"  # noqa: S104 - in a container or pod, which has a network of its own
    itself: str = "127.0.0.1"


@dataclass(frozen=True)
class Service:
    """One service as its role wants it; the options are documented in the module service_state.

    Attributes:
        role: the prefix of the variables that set it, such as `mlflow`.
        data: the name of a volume, claim or folder.
        data_path: the path at which the service sees `data`.
        secret_files: file name to content; secrets stand in it by name, as in `${access_key}`.
        secrets: the secrets that it declares, by name, with how to generate them.
        health: how it is probed for readiness.
        built: whether the image is built here rather than pulled.
        requirements: the packages of the venv that it runs from, on the process target.
        diagnoses: known causes why it does not start, found in its log.
        needs: roles of services whose addresses its command or environment refers to, as in `${object_store_url}`.
    """

    role: str
    name: str
    namespace: str
    image: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    ports: tuple[Port, ...]
    data: str
    data_path: str
    data_size: str
    data_class: str
    secret_files: Mapping[str, Any]
    health: Health
    built: bool
    resources: Mapping[str, str]
    requirements: tuple[str, ...]
    needs: tuple[str, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    secrets: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_options(cls, given: Mapping[str, Any], kept: Mapping[str, int]) -> Service:
        changed = {
            "command": tuple(str(part) for part in given["command"]),
            "env": {key: str(value) for key, value in given["env"].items()},
            "diagnoses": tuple(Diagnosis(**row) for row in given["diagnoses"]),
            "health": Health.from_options(given["health"], given["name"]),
            "ports": tuple(Port.from_options(port, kept) for port in given["ports"]),
            "needs": tuple(given["needs"]),
            "requirements": tuple(given["requirements"]),
            "resources": {key: str(value) for key, value in given["resources"].items() if value},
        }
        known = {**given, **changed}
        return cls(**{part.name: known[part.name] for part in fields(cls)})

    def at(self, places: Places, world: World, viewpoint: str) -> Service:
        """Fill in the templates of command, environment and secret files; secrets stay as names.

        The names are those of `Places`, `<port name>_port`, `allowed_hosts`, `bucket`, `region`, and `<role>_url`,
        `<role>_host` and `<role>_port` of each needed service.
        """
        known = {
            **places.__dict__,
            **{f"{port.name}_port": str(port.port) for port in self.ports},
            **{name: value for need in self.needs for name, value in _address(world.services[need], viewpoint)},
            "allowed_hosts": ",".join(world.services[self.role].hosts()),
            "bucket": world.bucket,
            "region": world.region,
        }
        return replace(
            self,
            command=tuple(Template(part).safe_substitute(known) for part in self.command),
            health=replace(
                self.health, command=tuple(Template(part).safe_substitute(known) for part in self.health.command)
            ),
            env={key: Template(value).safe_substitute(known) for key, value in self.env.items()},
            secret_files=_filled(self.secret_files, known),
        )

    @property
    def secret_names(self) -> set[str]:
        """All names that stand as `${name}` in its secret files, whether they are secrets or not."""
        return {name for text in _texts(self.secret_files) for name in Template(text).get_identifiers()}

    def rendered_secrets(self, values: Mapping[str, str]) -> dict[str, bytes]:
        """Fill the secrets `values` into the secret files; content that is not text becomes JSON.

        Returns:
            File name to content.
        """
        found = {}
        for name, content in self.secret_files.items():
            text = _filled(content, values)
            found[name] = (text if isinstance(text, str) else json.dumps(text)).encode()
        return found

    @property
    def sha256(self) -> str:
        """The hash of what is wanted. It covers the templates of the secret files, not the secrets."""
        wanted = {name: value for name, value in self.__dict__.items() if name not in _ELSEWHERE}
        # These keys are those of the first release, so that a service that it started still counts as wanted.
        wanted |= {"health": self.health.asked, "healthcheck": self.health.command}
        return hashlib.sha256(json.dumps(wanted, sort_keys=True, default=lambda p: p.__dict__).encode()).hexdigest()


def _address(endpoint: Endpoint, viewpoint: str) -> Iterator[tuple[str, str]]:
    """Yield the template names and values for a needed service, if the world uses it."""
    if endpoint.used:
        url = endpoint.url(viewpoint)
        parts = urlsplit(url)
        yield from ((f"{endpoint.role}_url", url), (f"{endpoint.role}_host", parts.hostname or ""))
        yield f"{endpoint.role}_port", str(parts.port or "")


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, (Mapping, list)):
        for part in content.values() if isinstance(content, Mapping) else content:
            yield from _texts(part)


def _filled(content: Any, values: Mapping[str, str]) -> Any:
    if isinstance(content, Mapping):
        return {key: _filled(value, values) for key, value in content.items()}
    if isinstance(content, list):
        return [_filled(value, values) for value in content]
    return Template(content).safe_substitute(values) if isinstance(content, str) else content
