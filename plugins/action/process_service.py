# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.modules.process_service import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost


class ActionModule(SamerunAction):
    """Start a service as a process that supervisord keeps up."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if self.checking:
            return {"skipped": True, "msg": "service_state has predicted it"}
        host = ProcessHost(self.world(options))
        return {"changed": host.apply(host.service(options["service"]), restart=options["restart"])}
