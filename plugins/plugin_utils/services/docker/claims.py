# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that the names and ports of a world are free on a Docker engine, or already its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World, is_of
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, networks
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import ports
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Port


def claim(client: Any, world: World, claims: Sequence[Claim]) -> None:
    """Raise a SamerunError for a name or port of another owner; it names the variable that moves ours."""
    with engine.explained("check names and ports"):
        for service in claims:
            container = engine.found(client.containers, service.name)
            if container is not None and not is_of(container.labels, world.name):
                raise _refusal("container", service.name, f"{service.role}_name")
            if "/" not in service.data and (volume := engine.found(client.volumes, service.data)):
                _refuse_foreign(volume, world, f"{service.role}_data")
            for network in networks.named(client, world.network):
                _refuse_foreign(network, world, "samerun_network")
            running = container is not None and container.status == "running"
            _claim_ports(client, world, service, _published(container) if running else set())


def _refuse_foreign(there: Any, world: World, variable: str) -> None:
    if not is_of(there.attrs.get("Labels"), world.name):
        raise _refusal(type(there).__name__.lower(), there.name, variable)


def _refusal(kind: str, name: str, variable: str) -> SamerunError:
    return SamerunError(
        f"Failed to claim the name {name}: a {kind} of another owner has it.",
        f"Remove it, or rename ours: {variable}",
        CANNOT_CREATE,
    )


def _claim_ports(client: Any, world: World, service: Claim, ours: set[int]) -> None:
    for port in service.ports:
        if port.port in ours:
            continue
        if engine.is_remote(world.docker_host):
            _refuse_taken_there(client, port)
        elif not ports.is_free(world.bind, port.port):
            raise ports.refusal(world.bind, port.port, port.variable, _holder(client, port.port))


def _refuse_taken_there(client: Any, port: Port) -> None:
    """Raise if a container on a remote engine has the port.

    Ports of other programs on that machine are not visible from here; the engine refuses them at the start.
    """
    for container in client.containers.list():
        if port.port in _published(container):
            raise SamerunError(
                f"Failed to claim port {port.port}: container {container.name} has it.",
                f"Stop it, or move ours: {port.variable}=PORT",
                CANNOT_CREATE,
            )


def _holder(client: Any, port: int) -> str:
    for container in client.containers.list():
        if port in _published(container):
            return f"container {container.name}"
    return ports.holder(port)


def _published(container: Any) -> set[int]:
    bindings = container.attrs["HostConfig"].get("PortBindings") or {}
    return {int(entry["HostPort"]) for entries in bindings.values() for entry in entries or [] if entry["HostPort"]}
