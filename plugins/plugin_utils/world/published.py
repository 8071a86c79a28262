# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the contract into the state folder, for later commands that run no play; removes the folder at teardown."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials

# The names of everything that a world writes into its state folder.
_KEPT = (
    ".credentials.lock", "contract.json", "credentials.json", "forward", "forward.lock", "kubernetes-role.yml",
    "ports.json", "runs", "services", "volumes",
)  # fmt: skip


def contract_path(state: Path) -> Path:
    """The path of the contract as this host sees it: JSON, variable to value, mode 0600."""
    return state / "contract.json"


def publish(world: World, *, change: bool = True) -> bool:
    """Write the contract for this host and, on a cluster, for pods.

    Returns:
        Whether anything changed or, without `change`, would change.
    """
    keys = credentials.for_runs(world)
    here = world.contract("host", keys).values
    differs = files.read_json(contract_path(world.state)) != here
    if change:
        files.write_json(contract_path(world.state), here)
    return host_of(world).publish(keys, change=change) or differs


def forget(world: World) -> list[str]:
    """Remove what the world keeps in its state folder: data of the process target, keys, records.

    The folder itself is removed only if it is empty then: the user may have other files in it.

    Returns:
        What was removed, in words.
    """
    if not world.state.exists():
        return []
    for name in _KEPT:
        path = world.state / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty
        world.state.rmdir()
    return [f"state folder {world.state}"]
