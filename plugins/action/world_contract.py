# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.modules.world_contract import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, external, mlflow, published


class ActionModule(SamerunAction):
    """Write the contract to where users and runs read it, and warn of what runs could not use."""

    ARGUMENTS = ARGUMENT_SPEC

    @staticmethod
    def _unwritable(world: World) -> list[str]:
        try:
            return mlflow.unwritable(world)
        except (OSError, ValueError, KeyError):
            return []  # an external MLflow that does not answer

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        if self.checking and world.uses_store and credentials.load(world) is None:
            changed = True
        else:
            changed = published.publish(world, change=not self.checking)
        if not self.checking and (names := self._unwritable(world)):
            self.warn(
                f"Runs cannot write artifacts in mode {world.artifact_mode} to experiments that were made in the other "
                f"one: {', '.join(names)}. Let scripts set another experiment."
            )
        if not self.checking:
            for line in external.unusable(world):
                self.warn(line)
        urls = {endpoint.role: endpoint.url("host") for endpoint in world.endpoints}
        return {
            "changed": changed,
            "urls": urls,
            "diff": {"before": "", "after": "contract of the world\n" if changed else ""},
        }
