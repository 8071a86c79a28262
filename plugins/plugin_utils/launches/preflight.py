# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the inventory, the engine, ports and the script before anything starts, for plays and for the command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import checked
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import import_marks
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import training_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services import HOSTS, host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Say
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials

_ALL = "services"  # the role that sets up all services


@dataclass(frozen=True)
class Checked:
    """What the checks found.

    Attributes:
        launcher: carries out the training; None if no training was asked for.
        services: the names and ports that the services will take.
        moved: variable to port, for each taken port that was replaced by the next free one.
        warnings: the places where the script's sources override the contract.
    """

    world: World
    launcher: Launcher | None
    services: Sequence[Claim]
    moved: Mapping[str, int]
    warnings: Sequence[str]


def unseen(_said: object) -> None:
    """Ignore a line or a piece of the log: the default for callers that show nothing."""


def check(
    options: Mapping[str, Any],
    training: Mapping[str, Any],
    roles: Collection[str] = (),
    *,
    say: Say = unseen,
    show: Callable[[bytes], None] = unseen,
) -> Checked:
    """Check everything that is known before anything starts, in this order; nothing is changed.

    Args:
        options: the option `world` of every module.
        training: the option `training` of training_run; empty if nothing is trained.
        roles: the roles of the play; some of them set up services.
        say, show: as `Launcher` takes them.

    Raises:
        SamerunError: the first problem found.
    """
    _check_names(options, training)
    world = World.from_options(options)
    _check_endpoints(world)
    _ = world.given_credentials  # raises if only one of the two keys is set
    host = host_of(world)
    services = _claims(world, options, roles)
    wanted = training_of(training, world) if training else None
    host.check()
    _check_store(world)
    _check_kinds(world, services)
    launcher, warnings = None, []
    if wanted:
        launcher = Launcher(world, wanted, say, show)
        warnings = _check_training(launcher)
        _check_services(world, host, {claim.role for claim in services})
    return Checked(world, launcher, services, host.claim(services), warnings)


def _check_names(world: Mapping[str, Any], training: Mapping[str, Any]) -> None:
    """Raise for a target that does not exist."""
    for variable, value, known in (
        ("samerun_target", world["target"], HOSTS),
        ("training_target", training.get("target") or world["target"], TARGETS),
    ):
        if value not in known:
            raise SamerunError(
                f"Failed to choose a target: {variable} is {value!r}.", f"It is one of {', '.join(known)}.", CONFIG
            )


def _check_endpoints(world: World) -> None:
    """Raise for an external endpoint that is not a usable URL, and for a login to an MLflow that samerun sets up."""
    if world.login.headers and not world.mlflow.external:
        raise SamerunError(
            "Failed to plan MLflow: a user or token is set, and a server that is set up here has no login.",
            "Unset mlflow_username, mlflow_password and mlflow_token, or name your server: mlflow_endpoint",
            CONFIG,
        )
    for endpoint in world.services.values():
        if endpoint.external:
            checked(f"{endpoint.role}_endpoint", endpoint.external, endpoint.example)


def _check_store(world: World) -> None:
    """Raise for an external store without endpoint or keys; the error names all the missing variables together."""
    if not (world.uses_store and world.foreign_store):
        return
    unset = [] if world.object_store.external else ["s3_endpoint"]
    if credentials.load(world) is None:
        unset += ["access_key", "secret_key"]
    if unset:
        rows = [row for row in contract.TABLE if row.source in unset]
        raise world.unresolved(rows, "Set what is named, or another samerun_store than external.")


def _claims(world: World, options: Mapping[str, Any], roles: Collection[str]) -> list[Claim]:
    """Read the claims of the services that the roles of the play set up."""
    ours = {endpoint.role for endpoint in world.own}
    set_up = ours if _ALL in roles else ours.intersection(roles)
    declared = (given for given in options["services"] if given["role"] in set_up)
    return [Claim.from_options(given, world.kept_ports) for given in declared]


def _check_kinds(world: World, claims: Sequence[Claim]) -> None:
    """Raise for a service that cannot run on the world's target."""
    for claim in claims:
        if world.target not in claim.targets:
            places = f"It runs on {' and '.join(claim.targets)}"
            raise SamerunError(
                f"Failed to plan {claim.title}: {claim.kind} does not run on the target {world.target}.",
                f"{places}: choose another {claim.chosen_by}." if claim.chosen_by else f"{places}.",
                CONFIG,
            )


def _check_training(launcher: Launcher) -> list[str]:
    """Check the training before its world is up; return a warning for each place that overrides the contract."""
    world, training, target, sources = launcher.world, launcher.training, launcher.target, launcher.sources
    for endpoint in (world.mlflow, world.object_store):
        endpoint.url(target.viewpoint(training.network))
    environment, asked = target.environment(training.environment), training.environment
    made = "" if asked.python or asked.image else asked.requirements
    import_marks.refuse_model(world, environment, sources, made)
    target.check()
    launcher.check()
    return [f"The contract is overridden: {line}." for line in sources.overrides]


def _check_services(world: World, host: ServiceHost, set_up: set[str]) -> None:
    """Raise if a service that the play needs but does not set up is not there: better now than after a long build."""
    if world.object_store.role not in set_up:
        credentials.refuse_others(world)
    for endpoint in reversed(world.own):
        if endpoint.role not in set_up:
            state = host.running(endpoint.role, endpoint.name, endpoint.namespace)
            if state in ("absent", "stopped"):
                raise SamerunError(
                    f"Failed to train in world {world.name}: its {endpoint.name} is {state}.",
                    "Start its services: samerun up, or the playbook samerun.stack.services",
                    UNAVAILABLE,
                )
