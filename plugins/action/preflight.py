# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World, moved_key
from ansible_collections.samerun.stack.plugins.modules.preflight import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector, preflight
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher, Training
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim
from ansible_collections.samerun.stack.plugins.plugin_utils.world import role_variables

_ALL = "services"  # the role that sets all of them up


class ActionModule(SamerunAction):
    """Look at everything before anything starts."""

    ARGUMENTS = ARGUMENT_SPEC

    def guard(self, task_vars: dict[str, Any]) -> None:
        for line in role_variables.check(task_vars, self._templar.template):
            self.warn(line)

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        training = options["training"]
        preflight.check_names(options["world"], training)
        world = self.world(options)
        preflight.check_endpoints(world)
        _ = world.given_credentials  # it refuses one key without the other
        host = host_of(world)
        services = _claims(world, options)
        wanted = Training.from_options(training, world) if training else None
        host.check()
        preflight.check_store(world)
        _check_kinds(world, services)
        overrides: list[str] = []
        if wanted:
            overrides = preflight.check_training(Launcher(world, wanted, preflight.unseen, preflight.unseen))
            preflight.check_services(world, host, {claim.role for claim in services})
        moved = host.claim(services)
        if moved and not self.checking:
            _keep(world, services, moved)
        for variable, port in moved.items():
            if "+" in variable:  # an inner port, which nobody asked for
                continue
            self.say(f"{variable}: the port asked for is taken, {port} is used and kept")
        settled = [] if self.checking else collector.collect(world)[0]
        for line in overrides:
            self.warn(line)
        for record in settled:
            self.say(f"{record.launch} ended unwatched: {record.state.value} {record.reason}".rstrip())
        return {
            "moved": moved,
            "settled": [record.launch for record in settled],
            "services": options["world"]["services"],
            "consoles": [url for claim in services for url in _consoles(world, claim)],
        }


def _claims(world: World, options: Mapping[str, Any]) -> list[Claim]:
    """The services that the roles of this play set up."""
    ours, roles = {endpoint.role for endpoint in world.own}, options["roles"]
    set_up = ours if _ALL in roles else ours.intersection(roles)
    declared = (given for given in options["world"]["services"] if given["role"] in set_up)
    return [Claim.from_options(given, world.kept_ports) for given in declared]


def _check_kinds(world: World, claims: list[Claim]) -> None:
    for claim in claims:
        if world.target not in claim.targets:
            places = f"It runs on {' and '.join(claim.targets)}"
            raise SamerunError(
                f"Failed to plan {claim.title}: {claim.kind} does not run on the target {world.target}.",
                f"{places}: choose another {claim.chosen_by}." if claim.chosen_by else f"{places}.",
                CONFIG,
            )


def _consoles(world: World, claim: Claim) -> list[str]:
    if world.port_forward:
        return []  # only what runs use is forwarded
    found = (world.services[claim.role].page(p.port, p.node_port) for p in claim.ports if p.name == "console")
    return [url for url in found if url]


def _keep(world: World, claims: Sequence[Claim], moved: Mapping[str, int]) -> None:
    path = world.state / "ports.json"
    asked = {port.variable: port.asked for claim in claims for port in claim.ports}
    found = {moved_key(variable, asked[variable]): port for variable, port in moved.items()}
    files.write_json(path, {**files.read_json(path), **found})
