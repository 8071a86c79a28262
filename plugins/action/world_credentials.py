# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.modules.world_credentials import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials


class ActionModule(SamerunAction):
    """Make and keep the S3 keys that the world lacks."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        changed = credentials.ensure(world, trainer=options["separate"], change=not self.checking)
        return {"changed": changed, "diff": {"before": "", "after": "S3 keys of the world\n" if changed else ""}}
