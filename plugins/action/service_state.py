# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.modules.service_state import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of, readiness
from ansible_collections.samerun.stack.plugins.plugin_utils.world import named_secrets


class ActionModule(SamerunAction):
    """Compare a service with what is wanted; in check mode, predict what the role would do."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        host = host_of(world)
        service = host.service(options["service"])
        state = host.compare(service, named_secrets.read_by(world, service))
        # A service that was just restarted is as wanted, but may not answer yet; the next tasks need its answer.
        if not state.differs and not self.checking and (problem := readiness.problem(host, service)):
            state.differs.append(f"{service.name} does not answer: {problem}")
        if state.differs and not self.checking and not options["built"]:
            host.fetch(service)
        before = "".join(f"{line}\n" for line in state.differs)
        return {
            "changed": self.checking and bool(state.differs),
            "differs": state.differs,
            "exists": state.exists,
            "recreate": state.recreate,
            "request": state.request,
            "diff": {"before": before, "after": f"{service.name} as wanted\n" if before else ""},
        }
