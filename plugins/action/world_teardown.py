# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import TEMPORARY, SamerunError
from ansible_collections.samerun.stack.plugins.modules.world_teardown import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target
from ansible_collections.samerun.stack.plugins.plugin_utils.world import published


class ActionModule(SamerunAction):
    """Remove the world's services, and with `purge` its data and keys too."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        host = host_of(world)
        host.check()
        _settled, alive = collector.collect(world)
        if alive:
            raise SamerunError(
                f"Failed to stop world {world.name}: {', '.join(record.launch for record in alive)} still goes on.",
                "Wait for it, or stop it, then do the same again.",
                TEMPORARY,
            )
        if self.checking:
            return {"skipped": True, "msg": "removing cannot be predicted without asking what is there"}
        elsewhere = {record.target for record in collector.records(world)} & {*TARGETS} - {host.NAME}
        done = host.teardown(purge=options["purge"])
        for name in sorted(elsewhere):
            done.removed.extend(self._torn_down(TARGETS[name](world)))
        for line in done.kept:
            self.say(f"Kept {line}")
        removed = done.removed + (published.forget(world) if options["purge"] else [])
        return {"changed": bool(removed), "removed": removed, "kept": done.kept}

    def _torn_down(self, target: Target) -> list[str]:
        """Remove what launches left on another target; warn if its engine does not answer, and go on."""
        try:
            return target.teardown()
        except SamerunError as error:
            self.warn(f"What launches may have left on the target {target.NAME} stays: {error}")
            return []
        finally:
            target.close()
