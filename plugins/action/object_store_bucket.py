# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.modules.object_store_bucket import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils import credentials, store
from ansible_collections.samerun.stack.plugins.plugin_utils.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of


class ActionModule(SamerunAction):
    """Make the world's bucket."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        there = world.object_store
        ready = host_of(world).running(there.role, there.name, there.namespace) == "running"
        if self.checking and (credentials.load(world) is None or not ready):
            made = True  # a store that does not run yet has no bucket yet, or nobody can tell
        else:
            made = store.ensure_bucket(world, change=not self.checking)
        diff = {"before": "", "after": f"bucket {world.bucket}\n" if made else ""}
        return {"changed": made, "bucket": world.bucket, "diff": diff}
