"""Reads the worlds of an inventory without a play."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from samerun.resolving import Resolved, resolve
from samerun.variables import Variables


def load(inventory: str, variables: Variables) -> list[World]:
    """Read all worlds of an inventory.

    Raises:
        SamerunError: the inventory cannot be read or names no world.
    """
    return [World.from_options(found.world) for found in resolve(inventory, variables)]


def one(inventory: str, variables: Variables) -> World:
    """Read the only world of an inventory.

    Raises:
        SamerunError: the inventory cannot be read, or names no world or more than one.
    """
    return World.from_options(only(resolve(inventory, variables), inventory).world)


def only(found: Sequence[Resolved], inventory: str) -> Resolved:
    """Return the only world of `found`.

    Raises:
        SamerunError: there is more than one.
    """
    if len(found) > 1:
        names = ", ".join(each.world["name"] for each in found)
        raise SamerunError(
            f"Failed to choose a world: the inventory {inventory} holds {names}.",
            "Give an inventory with one host in the group samerun.",
            CONFIG,
        )
    return found[0]
