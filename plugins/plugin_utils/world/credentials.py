# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The S3 keys of a world and of its runs: given by the inventory, kept by the world, or generated once."""

from __future__ import annotations

import secrets

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of


def load(world: World) -> Credentials | None:
    """Read the keys in use: the inventory's, else those that the world keeps; None if there are none yet."""
    given = world.given_credentials
    if given and world.object_store.external:
        return given
    return in_use(world, host_of(world).credentials())


def in_use(world: World, kept: Credentials | None) -> Credentials | None:
    """Choose the keys in use, given the `kept` ones of the world: the inventory's keys take precedence."""
    given = world.given_credentials
    if given and world.object_store.external:
        return given
    return Credentials(*given.values, trainer=kept.trainer if kept else None) if given else kept


def refuse_others(world: World) -> None:
    """Raise a SamerunError if the inventory sets other keys than the world's own store was set up with.

    Runs use keys of their own in that store, so the keys of the inventory would silently have no effect.
    """
    given = world.given_credentials
    if given is None or world.foreign_store or not world.uses_store:
        return
    kept = host_of(world).credentials()
    if kept is None or kept.values == given.values:
        return
    pairs = zip(("object_store_access_key", "object_store_secret_key"), given.values, kept.values, strict=True)
    others = [variable for variable, one, other in pairs if one != other]
    raise SamerunError(
        f"Failed to read the S3 keys: {' and '.join(others)} {'is' if len(others) == 1 else 'are'} not what the store "
        f"of world {world.name} was set up with.",
        "Leave both unset, since the world keeps its keys, or change them in its store too: samerun up",
        CONFIG,
    )


def for_runs(world: World) -> Credentials | None:
    """The keys that a run gets; None if the world has none.

    If the world was set up by a release that made no separate keys for runs, they are the world's own.
    """
    found = load(world)
    return found.for_runs if found else None


def require(world: World) -> Credentials:
    """Read the keys in use, as `load` does.

    Raises:
        SamerunError: the world has none.
    """
    found = load(world)
    if found is None:
        raise SamerunError(
            f"Failed to find the S3 keys of world {world.name}: it has none yet.",
            "Set object_store_access_key and object_store_secret_key."
            if world.object_store.external
            else "Start the world's services: samerun up",
            CONFIG,
        )
    return found


def ensure(world: World, *, trainer: bool, change: bool = True) -> bool:
    """Make and keep the keys that the world lacks; return whether anything changed (or, without `change`, would).

    Args:
        trainer: whether runs get keys of their own.
    """
    if not change:
        return _ensure(world, trainer=trainer, change=False)
    # If two commands set up one world at once, the second uses the keys that the first made.
    with files.locked(lock := world.state / ".credentials.lock"):
        try:
            return _ensure(world, trainer=trainer, change=True)
        finally:
            lock.unlink(missing_ok=True)


def _ensure(world: World, *, trainer: bool, change: bool) -> bool:
    host = host_of(world)
    given, kept = world.given_credentials, host.credentials()
    if given is None and kept is None and world.object_store.external:
        require(world)
    own = given or kept or generate()
    runs = ((kept.trainer if kept else None) or host.trainer_found() or generate("trainer")) if trainer else None
    wanted = Credentials(*own.values, trainer=runs)
    if kept == wanted:
        return False
    if change:
        host.keep_credentials(wanted)
    return True


def generate(name: str = "samerun") -> Credentials:
    """Generate keys: 128 random bits as secret key, and an access key of a length that every store accepts."""
    return Credentials(access_key=f"{name}{secrets.token_hex(6)}", secret_key=secrets.token_hex(16))
