# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network of a world on a Docker engine, which is one however many make it at once."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.run import parse_time

BUILT_IN = {"bridge", "host", "none"}


def named(client: Any, name: str) -> list[Any]:
    """The networks of that name, the oldest first; engines before Docker 25 let there be several."""
    # The engine's filter finds every network whose name holds this one.
    found = [network for network in client.networks.list(names=[name]) if network.name == name]
    return sorted(found, key=lambda network: (parse_time(network.attrs["Created"]), network.id))


def is_there(client: Any, name: str) -> bool:
    """Whether containers can be put into the network `name`."""
    return name in BUILT_IN or bool(named(client, name))


def ensure(client: Any, name: str, labels: Mapping[str, str]) -> bool:
    """Make the network `name` unless it is there; return whether it was made.

    Of two that are made at the same moment the older one stays: with both no container could be started.
    """
    import docker

    if is_there(client, name):
        return False
    try:
        made = client.networks.create(name, labels=dict(labels), check_duplicate=True)
    except docker.errors.APIError as error:
        if error.status_code == HTTPStatus.CONFLICT:
            return False
        raise
    if named(client, name)[0].id == made.id:
        return True
    made.remove()
    return False
