# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host of services is: where a world keeps its long-lived services and its keys. One file for each target."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Places, Service


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


@dataclass(frozen=True)
class Teardown:
    """What became of a world's services.

    Attributes:
        removed: what went, in words.
        kept: what samerun made and somebody else uses, each with why it stays.
    """

    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


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

    def reach(self) -> None:  # noqa: B027 - most hosts have nothing to do
        """See to it that this host reaches the services; where it does so by itself, nothing."""

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
    def look(self, service: Service, values: Mapping[str, str] | None) -> ServiceState:
        """Compare the service with what is wanted; changes nothing.

        Args:
            values: the world's secrets by name; None where it has not all of those that the service reads.
        """

    def fetch(self, service: Service) -> None:  # noqa: B027 - most hosts fetch what they need by themselves
        """Fetch the image that the service runs by, where this host has none yet.

        Raises:
            SamerunError: there is no such image, or it cannot be reached.
        """

    @abc.abstractmethod
    def deliver(self, service: Service, values: Mapping[str, str]) -> bool:
        """Put the service's secret files where it reads them; return whether anything changed."""

    @abc.abstractmethod
    def ask(self, service: Service) -> str:
        """Why a service is not ready, as the command of its health says; empty once it is."""

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
    def last_words(self, service: Service, lines: int = 5) -> str:
        """The end of the service's log since it was started last, for the message that says it did not start."""

    @abc.abstractmethod
    def teardown(self, *, purge: bool) -> Teardown:
        """Remove the world's services, with `purge` their data and keys too."""

    def kept(self) -> dict[str, str]:
        """The secrets that the world keeps, by name."""
        return dict(files.read_json(self._credentials_path))

    def keep(self, values: Mapping[str, str]) -> None:
        """Keep these secrets, and no other, where whoever uses the world finds them."""
        files.write_json(self._credentials_path, dict(values))

    def credentials(self, kept: Mapping[str, str] | None = None) -> Credentials | None:
        """The S3 keys among the secrets that the world keeps; who has read these says so."""
        return credentials_from(self.kept() if kept is None else kept)

    def keep_credentials(self, keys: Credentials) -> None:
        """Keep the S3 keys beside the other secrets."""
        others = {name: value for name, value in self.kept().items() if name not in keys.named}
        self.keep({**others, **credentials_as(keys)})

    def trainer_found(self) -> Credentials | None:
        """Keys for runs that somebody put where runs read them, before the world had any."""
        return None

    def publish(self, keys: Credentials | None, *, change: bool) -> bool:
        """Show the contract where runs of others read it; return whether anything changed, or would."""
        del keys, change
        return False

    def remember(self, service: Service) -> None:  # noqa: B027 - most hosts can ask their engine
        """Keep what the service looks like now, so that a later look sees edits by hand."""

    @property
    def _credentials_path(self) -> Path:
        return self.world.state / "credentials.json"


def credentials_as(keys: Credentials) -> dict[str, str]:
    """Keys as they are kept."""
    found = {"access_key": keys.access_key, "secret_key": keys.secret_key}
    if keys.trainer:
        found |= {"trainer_access_key": keys.trainer.access_key, "trainer_secret_key": keys.trainer.secret_key}
    return found


def credentials_from(found: Mapping[str, str]) -> Credentials | None:
    """The inverse of `credentials_as`; None where they are not there."""
    if "access_key" not in found:
        return None
    trainer = None
    if "trainer_access_key" in found:
        trainer = Credentials(found["trainer_access_key"], found["trainer_secret_key"])
    return Credentials(found["access_key"], found["secret_key"], trainer)
