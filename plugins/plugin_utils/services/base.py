# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host of services is: where a world keeps its long-lived services and its keys. One file for each target."""

from __future__ import annotations

import abc
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, ClassVar

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World, moved_key


@dataclass(frozen=True)
class Port:
    """A port of a service, the same inside and outside; `variable` moves it, `asked` is what it says."""

    name: str
    port: int
    variable: str
    node_port: int = 0
    asked: int = 0

    @classmethod
    def from_options(cls, given: Mapping[str, Any], kept: Mapping[str, int]) -> Port:
        """Read a port; `kept` has those that a world moved to, see `moved_key`."""
        asked, variable = int(given["port"]), given["variable"]
        port = int(kept.get(moved_key(variable, asked), asked))
        return cls(given["name"], port, variable, int(given.get("node_port") or 0), asked)


@dataclass(frozen=True)
class Claim:
    """What a service will be called, before anything of it exists.

    Attributes:
        role: the prefix of its variables.
        built: whether its image is built here.
        kind: what it is, such as `minio`; targets is where that can run.
    """

    role: str
    name: str
    namespace: str
    data: str
    ports: tuple[Port, ...]
    built: bool
    kind: str
    targets: tuple[str, ...]

    @classmethod
    def from_options(cls, given: Mapping[str, Any], kept: Mapping[str, int]) -> Claim:
        ports = tuple(Port.from_options(port, kept) for port in given["ports"])
        return cls(**{**given, "ports": ports, "targets": tuple(given["targets"])})


@dataclass(frozen=True)
class Places:
    """What a service's command may name, where it will run.

    Attributes:
        bin: the folder of its programs with a slash, or empty where they are on the search path.
        listen: the address that it listens on; `itself` is where its own parts reach each other then.
    """

    data: str
    secrets: str
    bin: str = ""
    listen: str = "0.0.0.0"  # noqa: S104 - in a container or pod, which has a network of its own
    itself: str = "127.0.0.1"


@dataclass(frozen=True)
class Service:
    """One service as its role wants it; see the module service_state for the options.

    Attributes:
        role: `mlflow` or `object_store`, the prefix of the variables that set it.
        data: a volume's, claim's or folder's name; data_path is where the service sees it.
        secret_files: file name to content, with `${access_key}` and `${secret_key}` in it.
        health: the path that answers 200 when the service is ready.
        healthcheck: the command by which a container looks at itself.
        built: whether the image is built here rather than pulled.
        requirements: of the venv that it runs from, on the process target.
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
    health: str
    healthcheck: tuple[str, ...]
    built: bool
    resources: Mapping[str, str]
    requirements: tuple[str, ...]

    @classmethod
    def from_options(cls, given: Mapping[str, Any], kept: Mapping[str, int]) -> Service:
        changed = {
            "command": tuple(str(part) for part in given["command"]),
            "env": {key: str(value) for key, value in given["env"].items()},
            "healthcheck": tuple(given["healthcheck"]),
            "ports": tuple(Port.from_options(port, kept) for port in given["ports"]),
            "requirements": tuple(given["requirements"]),
            "resources": {key: str(value) for key, value in given["resources"].items() if value},
        }
        return cls(**{**given, **changed})

    def at(self, places: Places, world: World, viewpoint: str) -> Service:
        """This service with what its command and environment name filled in: places, ports, the world's addresses."""
        known = {
            **places.__dict__,
            **{f"{port.name}_port": str(port.port) for port in self.ports},
            "s3_endpoint": world.object_store.url(viewpoint),
            "allowed_hosts": ",".join(world.mlflow.hosts()),
            "bucket": world.bucket,
            "region": world.region,
        }
        filled = {
            "command": tuple(Template(part).safe_substitute(known) for part in self.command),
            "healthcheck": tuple(Template(part).safe_substitute(known) for part in self.healthcheck),
            "env": {key: Template(value).safe_substitute(known) for key, value in self.env.items()},
        }
        return Service(**{**self.__dict__, **filled})

    def rendered_secrets(self, keys: Credentials) -> dict[str, bytes]:
        """File name to content; content that is data becomes JSON."""
        values = {"access_key": keys.access_key, "secret_key": keys.secret_key}
        found = {}
        for name, content in self.secret_files.items():
            text = _filled(content, values)
            found[name] = (text if isinstance(text, str) else json.dumps(text)).encode()
        return found

    @property
    def sha256(self) -> str:
        """Hash of what is wanted; the templates of the secret files are in it, their values are not."""
        return hashlib.sha256(
            json.dumps(self.__dict__, sort_keys=True, default=lambda p: p.__dict__).encode()
        ).hexdigest()


@dataclass
class ServiceState:
    """What was found, beside what is wanted.

    Attributes:
        differs: what is not as wanted, in words; empty if all is.
        recreate: it was changed by hand in a way that only making it anew mends.
        request: what the role's tasks need, as plain data without secrets.
    """

    exists: bool
    differs: list[str] = field(default_factory=list)
    recreate: bool = False
    request: dict[str, Any] = field(default_factory=dict)


class ServiceHost(abc.ABC):
    """Where a world's services live.

    Args:
        world: the world.
    """

    NAME: ClassVar[str]
    VIEWPOINT: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world

    def service(self, options: Mapping[str, Any]) -> Service:
        """The service of a module's `service` option, as it will run here."""
        wanted = Service.from_options(options, self.world.kept_ports)
        return wanted.at(self.places(wanted), self.world, self.VIEWPOINT)

    @abc.abstractmethod
    def check(self) -> None:
        """Raise a SamerunError if nothing can be asked here now."""

    @abc.abstractmethod
    def claim(self, claims: Sequence[Claim]) -> dict[str, int]:
        """See that names and ports are free or ours.

        Returns:
            Variable to port, for those that were moved to the next free one.

        Raises:
            SamerunError: something foreign has a name or port, with the variable that moves ours.
        """

    @abc.abstractmethod
    def places(self, service: Service) -> Places:
        """What the service's command names here."""

    @abc.abstractmethod
    def look(self, service: Service, keys: Credentials | None) -> ServiceState:
        """Compare the service with what is wanted; changes nothing."""

    @abc.abstractmethod
    def deliver(self, service: Service, keys: Credentials) -> bool:
        """Put the service's secret files where it reads them; return whether anything changed."""

    @abc.abstractmethod
    def running(self, role: str, name: str, namespace: str) -> str:
        """The state of a service in one word: `running`, `starting`, `stopped` or `absent`."""

    def hopeless(self, service: Service) -> str:
        """Why waiting longer does not make the service start; empty while it may."""
        del service
        return ""

    def reached_by(self, endpoint: Endpoint) -> str:
        """What decides whether this host reaches a service that runs, for the message that it does not."""
        return f"Does a firewall stand between, or does samerun_bind ({self.world.bind}) name another address?"

    @abc.abstractmethod
    def last_words(self, service: Service) -> str:
        """The end of the service's log, for the message that says it did not start."""

    @abc.abstractmethod
    def teardown(self, *, purge: bool) -> list[str]:
        """Remove the world's services, with `purge` their data and keys too; return what was removed."""

    def credentials(self) -> Credentials | None:
        """The keys that the world keeps."""
        found = files.read_json(self._credentials_path)
        return Credentials(found["access_key"], found["secret_key"]) if found else None

    def keep_credentials(self, keys: Credentials) -> None:
        """Keep the keys where whoever uses the world finds them."""
        files.write_json(self._credentials_path, {"access_key": keys.access_key, "secret_key": keys.secret_key})

    def publish(self, keys: Credentials, *, change: bool) -> bool:
        """Show the contract where runs of others read it; return whether anything changed, or would."""
        del keys, change
        return False

    def remember(self, service: Service) -> None:  # noqa: B027 - most hosts can ask their engine
        """Keep what the service looks like now, so that a later look sees edits by hand."""

    @property
    def _credentials_path(self) -> Path:
        return self.world.state / "credentials.json"


def _filled(content: Any, values: Mapping[str, str]) -> Any:
    if isinstance(content, Mapping):
        return {key: _filled(value, values) for key, value in content.items()}
    if isinstance(content, list):
        return [_filled(value, values) for value in content]
    return Template(content).safe_substitute(values) if isinstance(content, str) else content
