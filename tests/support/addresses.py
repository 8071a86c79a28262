"""Finds an address at which the host, containers and pods reach a server on this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import machines

from ansible_collections.samerun.stack.plugins.module_utils.world import World


def of_this_machine(world: World) -> str:
    """Return the address at which this host and the scripts of `world` reach a server of a test."""
    return _ADDRESSES[world.target](world)


def _gateway(world: World) -> str:
    return gateway(machines.docker_client().networks.get(world.network))


def gateway(network: Any) -> str:
    """Return the address of this host in a Docker network; an engine may leave out the default, its first one."""
    (config,) = network.attrs["IPAM"]["Config"]
    return str(config.get("Gateway") or next(ipaddress.ip_network(config["Subnet"]).hosts()))


def _towards_a_node(_world: World) -> str:
    """Return the address of this machine that a node, and so a pod, reaches."""
    (node, *_others) = machines.cluster().items("/api/v1/nodes")
    there = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect((there, 9))
        return str(asking.getsockname()[0])


_ADDRESSES: dict[str, Callable[[World], str]] = {
    "process": lambda _world: "127.0.0.1", "docker": _gateway, "kubernetes": _towards_a_node,
}  # fmt: skip
