# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface of a service host, which runs the long-lived services of a world and keeps its keys.

Each target has one implementation.
"""

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
    """The result of comparing a service with what is wanted.

    Attributes:
        exists: whether the service exists on its engine.
        differs: the differences, in words; empty if there are none.
        recreate: whether the service must be created anew, since it was changed by hand.
        request: what the role's tasks need, as plain data without secrets.
    """

    exists: bool
    differs: list[str] = field(default_factory=list)
    recreate: bool = False
    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Teardown:
    """What a teardown did.

    Attributes:
        removed: what was removed, in words.
        kept: what samerun made but others use now, each with the reason why it stays.
    """

    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class ServiceHost(abc.ABC):
    """Runs the services of one world."""

    NAME: ClassVar[str]
    VIEWPOINT: ClassVar[str]

    def __init__(self, world: World) -> None:
        self.world = world

    def service(self, options: Mapping[str, Any]) -> Service:
        """Read a module's `service` option, with the places, ports and addresses of this host filled in."""
        wanted = Service.from_options(options, self.world.kept_ports)
        return wanted.at(self.places(wanted), self.world, self.VIEWPOINT)

    @abc.abstractmethod
    def check(self) -> None:
        """Raise a SamerunError if the engine does not answer now."""

    def reach(self) -> None:  # noqa: B027 - most hosts have nothing to do
        """Make the services reachable from this machine, if they are not anyway."""

    @abc.abstractmethod
    def claim(self, claims: Sequence[Claim]) -> dict[str, int]:
        """Check that names and ports are free or already the world's own.

        Returns:
            Variable to port, for each taken port that was replaced by the next free one.

        Raises:
            SamerunError: another owner has a name or port; the message names the variable that moves ours.
        """

    @abc.abstractmethod
    def places(self, service: Service) -> Places:
        """The paths and addresses that the service's command refers to."""

    @abc.abstractmethod
    def compare(self, service: Service, values: Mapping[str, str] | None) -> ServiceState:
        """Compare the service with what is wanted; changes nothing.

        Args:
            values: the world's secrets by name; None if the world lacks one that the service reads.
        """

    def fetch(self, service: Service) -> None:  # noqa: B027 - most hosts fetch what they need by themselves
        """Fetch the service's image if the engine does not have it yet.

        Raises:
            SamerunError: the image does not exist, or its registry cannot be reached.
        """

    @abc.abstractmethod
    def deliver(self, service: Service, values: Mapping[str, str]) -> bool:
        """Write the service's secret files to where it reads them; return whether anything changed."""

    @abc.abstractmethod
    def ask(self, service: Service) -> str:
        """Run the service's health command; return why the service is not ready, or an empty text if it is."""

    @abc.abstractmethod
    def running(self, role: str, name: str, namespace: str) -> str:
        """Read the state of a service: `running`, `starting`, `stopped` or `absent`."""

    def hopeless(self, service: Service) -> str:
        """Why the service will not start however long we wait; empty if it may still start."""
        del service
        return ""

    def reached_by(self, endpoint: Endpoint) -> str:
        """What to check if the service runs but this host does not reach it: the end of the message that says so."""
        return f"Does a firewall stand between, or does samerun_bind ({self.world.bind}) name another address?"

    @abc.abstractmethod
    def last_words(self, service: Service, lines: int = 5) -> str:
        """The last lines of the service's log since its last start, for the message that it did not start."""

    @abc.abstractmethod
    def teardown(self, *, purge: bool) -> Teardown:
        """Remove the world's services; with `purge` also their data and keys."""

    def kept(self) -> dict[str, str]:
        """The secrets that the world keeps, by name."""
        return dict(files.read_json(self._credentials_path))

    def keep(self, values: Mapping[str, str]) -> None:
        """Replace the secrets that the world keeps by `values`."""
        files.write_json(self._credentials_path, dict(values))

    def credentials(self, kept: Mapping[str, str] | None = None) -> Credentials | None:
        """The S3 keys among the secrets that the world keeps; these are read unless given as `kept`."""
        return credentials_from(self.kept() if kept is None else kept)

    def keep_credentials(self, keys: Credentials) -> None:
        """Keep the S3 keys beside the other secrets."""
        others = {name: value for name, value in self.kept().items() if name not in keys.named}
        self.keep({**others, **credentials_as(keys)})

    def trainer_found(self) -> Credentials | None:
        """Keys for runs that an administrator put where runs read them, before the world had keys."""
        return None

    def publish(self, keys: Credentials | None, *, change: bool) -> bool:
        """Write the contract to where runs on this target read it.

        Returns:
            Whether anything changed or, without `change`, would change.
        """
        del keys, change
        return False

    def remember(self, service: Service) -> None:  # noqa: B027 - most hosts can ask their engine
        """Keep the present state of the service, so that a later comparison finds changes made by hand."""

    @property
    def _credentials_path(self) -> Path:
        return self.world.state / "credentials.json"


def credentials_as(keys: Credentials) -> dict[str, str]:
    """The keys by name, in the form in which they are kept."""
    found = {"access_key": keys.access_key, "secret_key": keys.secret_key}
    if keys.trainer:
        found |= {"trainer_access_key": keys.trainer.access_key, "trainer_secret_key": keys.trainer.secret_key}
    return found


def credentials_from(found: Mapping[str, str]) -> Credentials | None:
    """The inverse of `credentials_as`; None if there are no keys."""
    if "access_key" not in found:
        return None
    trainer = None
    if "trainer_access_key" in found:
        trainer = Credentials(found["trainer_access_key"], found["trainer_secret_key"])
    return Credentials(found["access_key"], found["secret_key"], trainer)
