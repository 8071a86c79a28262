# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.modules.object_store_bucket import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, identities, store


class ActionModule(SamerunAction):
    """Make the world's bucket, and register the key with which runs use it."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        # In check mode the store may not run yet: then the bucket is predicted to be made.
        unknown, change = self.checking and not _is_up(world), not self.checking
        made = unknown or store.ensure_bucket(world, change=change)
        known = not unknown and (
            identities.ensure(world, options["identities"], options["policy"], change=change)
            if change or not made
            else bool(options["identities"])
        )
        after = (f"bucket {world.bucket}\n" if made else "") + ("key of runs\n" if known else "")
        diff = {"before": "", "after": after}
        return {"changed": made or known, "bucket": world.bucket, "diff": diff}


def _is_up(world: World) -> bool:
    there = world.object_store
    running = host_of(world).running(there.role, there.name, there.namespace)
    return running == "running" and credentials.load(world) is not None
