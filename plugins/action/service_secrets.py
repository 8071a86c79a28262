# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.modules.service_secrets import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.world import named_secrets


class ActionModule(SamerunAction):
    """Make the secrets that a service lacks, and write its secret files to where it reads them."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        if self.checking:
            return {"skipped": True, "msg": "service_state has predicted it"}
        host = host_of(world)
        service = host.service(options["service"])
        return {"changed": host.deliver(service, named_secrets.ensure(world, service))}
