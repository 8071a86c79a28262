# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
from typing import Any

from ansible_collections.samerun.stack.plugins.modules.world_network import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, networks
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction


class ActionModule(SamerunAction):
    """Create the world's network exactly once, even in a race."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        with (
            contextlib.closing(engine.connect(world.docker_host)) as client,
            engine.explained(f"make the network {world.network}"),
        ):
            if self.checking:
                return {"changed": not networks.is_there(client, world.network)}
            return {"changed": networks.ensure(client, world.network, world.labels)}
