# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.world import World, moved_key
from ansible_collections.samerun.stack.plugins.modules.preflight import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector, preflight
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim
from ansible_collections.samerun.stack.plugins.plugin_utils.world import role_variables


class ActionModule(SamerunAction):
    """Check everything before anything starts; then settle launches that ended without a follower."""

    ARGUMENTS = ARGUMENT_SPEC

    def guard(self, task_vars: dict[str, Any]) -> None:
        for line in role_variables.check(task_vars, self._templar.template):
            self.warn(line)

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found = preflight.check(options["world"], options["training"], options["roles"])
        world = found.world
        if found.moved and not self.checking:
            _keep(world, found.services, found.moved)
        for variable, port in found.moved.items():
            if "+" in variable:  # an inner port, which no variable of the user sets
                continue
            self.say(f"{variable}: the port asked for is taken, {port} is used and kept")
        settled = [] if self.checking else collector.collect(world)[0]
        for line in found.warnings:
            self.warn(line)
        for record in settled:
            self.say(collector.unwatched(record))
        return {
            "moved": dict(found.moved),
            "settled": [record.launch for record in settled],
            "services": options["world"]["services"],
            "consoles": [url for claim in found.services for url in _consoles(world, claim)],
        }


def _consoles(world: World, claim: Claim) -> list[str]:
    if world.port_forward:
        return []  # only the ports that runs use are forwarded
    found = (world.services[claim.role].page(p.port, p.node_port) for p in claim.ports if p.name == "console")
    return [url for url in found if url]


def _keep(world: World, claims: Sequence[Claim], moved: Mapping[str, int]) -> None:
    path = world.state / "ports.json"
    asked = {port.variable: port.asked for claim in claims for port in claim.ports}
    found = {moved_key(variable, asked[variable]): port for variable, port in moved.items()}
    files.write_json(path, {**files.read_json(path), **found})
