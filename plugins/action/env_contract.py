# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.modules.env_contract import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, mlflow, store


class ActionModule(SamerunAction):
    """Resolve the contract for a viewpoint and probe its endpoints from this host."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        credentials.refuse_others(world)
        resolved = world.contract(options["viewpoint"], credentials.for_runs(world))
        if options["probe"]:
            try:
                mlflow.probe(world)
                if world.uses_store:
                    store.probe(world)
            except probes.ProbeError as error:
                raise SamerunError(error.message, error.hint, UNAVAILABLE) from error
        return {
            "names": resolved.names,
            "probed": [endpoint.service for endpoint in world.endpoints] if options["probe"] else [],
            "plain": dict(resolved.plain),
            "sha256": resolved.sha256,
            "viewpoint": options["viewpoint"],
        }
