# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets of a world by name: the secrets that its services declare, and the S3 keys in use."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials

_LENGTH = 32  # of hexadecimal digits: 128 bits
_HEX = string.digits + "abcdef"


def load(world: World) -> dict[str, str]:
    """Read all secrets that the world has."""
    host = host_of(world)
    kept = host.kept()
    keys = credentials.in_use(world, host.credentials(kept))
    return {**kept, **(keys.named if keys else {})}


def read_by(world: World, service: Service) -> dict[str, str] | None:
    """Read the world's secrets for a service; None if the service reads one that another service must make first."""
    found = load(world)
    return None if _lacking(world, service, found) - service.secrets.keys() else found


def ensure(world: World, service: Service) -> dict[str, str]:
    """Make the secrets that the service declares and the world lacks; return all secrets of the world.

    Raises:
        SamerunError: the service reads a secret that another service must make first.
    """
    found = load(world)
    if service.secrets.keys() - found.keys():
        # If two commands set up one world at once, the second uses the secrets that the first made.
        with files.locked(lock := world.state / ".credentials.lock"):
            try:
                found = _made(world, service)
            finally:
                lock.unlink(missing_ok=True)
    if lacking := sorted(_lacking(world, service, found)):
        if set(lacking) & set(world.object_store.secrets):
            credentials.require(world)  # raises with a message about the S3 keys
        raise SamerunError(
            f"Failed to start {service.name}: world {world.name} has no {', '.join(lacking)} yet.",
            "Start all of the world's services: samerun up",
            CONFIG,
        )
    return found


def generate(hints: Mapping[str, Any] | None) -> str:
    """Generate a secret as declared: `prefix`, then `length` random characters of `alphabet`."""
    wanted = hints or {}
    letters = str(wanted.get("alphabet", _HEX))
    random = "".join(secrets.choice(letters) for _ in range(int(wanted.get("length", _LENGTH))))
    return f"{wanted.get('prefix', '')}{random}"


def _made(world: World, service: Service) -> dict[str, str]:
    host, found = host_of(world), load(world)
    made = {name: generate(hints) for name, hints in service.secrets.items() if name not in found}
    if made:
        host.keep({**host.kept(), **made})
    return {**found, **made}


def _lacking(world: World, service: Service, found: Mapping[str, str]) -> set[str]:
    known = {name for endpoint in world.services.values() for name in endpoint.secrets}
    return (service.secret_names & known) - found.keys()
