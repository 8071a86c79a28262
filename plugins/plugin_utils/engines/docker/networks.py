# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creates the network of a world on a Docker engine exactly once, even in a race."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.run import parse_time

BUILT_IN = {"bridge", "host", "none"}


def named(client: Any, name: str) -> list[Any]:
    """Return the networks of that name, the oldest first; engines before Docker 25 allow several."""
    # The engine's filter also finds networks whose name only contains this one.
    found = [network for network in client.networks.list(names=[name]) if network.name == name]
    return sorted(found, key=lambda network: (parse_time(network.attrs["Created"]), network.id))


def is_there(client: Any, name: str) -> bool:
    """Whether the network `name` exists and containers can join it."""
    return name in BUILT_IN or bool(named(client, name))


def ensure(client: Any, name: str, labels: Mapping[str, str]) -> bool:
    """Create the network `name` unless it exists; return whether it was created.

    If two are created at the same moment, the older one stays. With both, no container could start.
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
