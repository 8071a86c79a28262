# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What `up` leaves in the state folder for who comes later without a play: the world and its contract."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials

# All that a world writes into its state folder.
_KEPT = (
    ".credentials.lock", "contract.json", "credentials.json", "forward", "forward.lock", "kubernetes-role.yml",
    "ports.json", "runs", "services", "volumes",
)  # fmt: skip


def contract_path(state: Path) -> Path:
    """The contract as this host sees it: variable to value, 0600."""
    return state / "contract.json"


def publish(world: World, *, change: bool = True) -> bool:
    """Write the contract for this host and, where a cluster keeps it, for the world's own runs.

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

    The folder goes with it if nothing else is there: who chose it may have other files in it.
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
