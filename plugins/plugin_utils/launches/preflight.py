# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be seen of a run before anything starts, for a play and for who starts it without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import checked
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import import_marks
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher, Training
from ansible_collections.samerun.stack.plugins.plugin_utils.services import HOSTS, host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials


def check_run(options: Mapping[str, Any], training: Mapping[str, Any]) -> tuple[Launcher, list[str]]:
    """Check a run in a world that is up, as a play does.

    Args:
        options: the option `world` of every module.
        training: the options of training_run, but for the world.

    Returns:
        What carries it out, unseen, and warnings.

    Raises:
        SamerunError: something that would be in the run's way.
    """
    check_names(options, training)
    world = World.from_options(options)
    check_endpoints(world)
    _ = world.given_credentials  # it refuses one key without the other
    host = host_of(world)
    host.check()
    check_store(world)
    host.reach()
    launcher = Launcher(world, Training.from_options(training, world), unseen, unseen)
    overrides = check_training(launcher)
    check_services(world, host, set())
    return launcher, overrides


def check_names(world: Mapping[str, Any], training: Mapping[str, Any]) -> None:
    """Refuse a target that there is not."""
    for variable, value, known in (
        ("samerun_target", world["target"], HOSTS),
        ("training_target", training.get("target") or world["target"], TARGETS),
    ):
        if value not in known:
            raise SamerunError(
                f"Failed to choose a target: {variable} is {value!r}.", f"It is one of {', '.join(known)}.", CONFIG
            )


def check_endpoints(world: World) -> None:
    """Refuse an external endpoint that is no URL of its kind."""
    if world.login.headers and not world.mlflow.external:
        raise SamerunError(
            "Failed to plan MLflow: a user or token is set, and a server that is set up here asks for nobody.",
            "Unset mlflow_username, mlflow_password and mlflow_token, or name your server: mlflow_endpoint",
            CONFIG,
        )
    for endpoint in world.services.values():
        if endpoint.external:
            checked(f"{endpoint.role}_endpoint", endpoint.external, endpoint.example)


def check_store(world: World) -> None:
    """Refuse a store of somebody else's of which not all is said; what is missing is named at once."""
    if not (world.uses_store and world.foreign_store):
        return
    unset = [] if world.object_store.external else ["s3_endpoint"]
    if credentials.load(world) is None:
        unset += ["access_key", "secret_key"]
    if unset:
        rows = [row for row in contract.TABLE if row.source in unset]
        raise world.unresolved(rows, "Set what is named, or another samerun_store than external.")


def check_training(launcher: Launcher) -> list[str]:
    """What can be seen of a run before its world is up; the places where its sources override the contract."""
    world, training, target, sources = launcher.world, launcher.training, launcher.target, launcher.sources
    for endpoint in (world.mlflow, world.object_store):
        endpoint.url(target.viewpoint(training.network))
    environment, asked = target.environment(training.environment), training.environment
    made = "" if asked.python or asked.image else asked.requirements
    import_marks.refuse_model(world, environment, sources, made)
    target.check()
    launcher.check()
    return [f"The contract is overridden: {line}." for line in sources.overrides]


def check_services(world: World, host: ServiceHost, set_up: set[str]) -> None:
    """Services that the play uses and does not set up must be there; to find out after a build would be late."""
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


def unseen(_said: object) -> None:
    """For who watches nothing."""
