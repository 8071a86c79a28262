"""Resolves the variables of an inventory without a play."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.options import TRAINING_SPEC, WORLD_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared, role_variables
from samerun import STACK, embedded, inventories
from samerun.variables import Variables

_ROLE = STACK / "roles" / "world"
_LOCK = threading.Lock()  # Ansible's display and managers are not thread-safe


@dataclass(frozen=True)
class Resolved:
    """One world of an inventory, as options of the modules.

    Attributes:
        world: the option `world` of every module.
        training: the option `training` of training_run.
        warnings: about unknown variables.
    """

    world: Mapping[str, Any]
    training: Mapping[str, Any] = field(repr=False)
    warnings: Sequence[str] = ()


def resolve(inventory: str, variables: Variables) -> list[Resolved]:
    """Resolve the variables of each world as the roles would: their defaults, then the inventory, then `variables`.

    It may be called in a host program, from any thread. Two things remain in the process: Ansible's import hooks, and
    its settings, which are read in the working folder of the first call.

    Raises:
        SamerunError: the inventory cannot be read, names no world, or has an invalid variable.
    """
    path = inventories.located(inventory)
    with _LOCK, embedded.entered():
        from ansible.errors import AnsibleError

        try:
            found = list(_resolved(path, variables))
        except AnsibleError as error:
            cause = " ".join(str(error).split())
            raise SamerunError(f"Failed to read the inventory {inventory}: {cause}", _hint(error), CONFIG) from error
    if not found:
        raise SamerunError(
            f"Failed to find a world: {inventory} names no host in the group samerun.",
            f"Compare it with {STACK / 'inventories'}.",
            NO_INPUT,
        )
    return found


def _hint(error: Exception) -> str:
    from ansible.errors import AnsibleUndefinedVariable

    if isinstance(error, AnsibleUndefinedVariable):
        return "Correct it. Facts and variables that exist only during a play are missing: no play is run."
    return "Correct it."


def _resolved(inventory: str, variables: Variables) -> Iterator[Resolved]:
    from ansible.inventory.manager import InventoryManager
    from ansible.playbook.play import Play
    from ansible.template import Templar
    from ansible.vars.hostvars import HostVars
    from ansible.vars.manager import VariableManager

    loader = embedded.loader()
    hosts = InventoryManager(loader=loader, sources=[inventory])
    manager = VariableManager(loader=loader, inventory=hosts)
    HostVars(inventory=hosts, variable_manager=manager, loader=loader)  # registers itself with the manager
    # This play never runs. It is there for variables that refer to their play, such as to its hosts.
    play = Play.load({"name": "Training", "hosts": "samerun"}, variable_manager=manager, loader=loader)
    defaults, internal = _ours()
    override = {**embedded.read(loader, *variables.files), **embedded.trusted(variables.values), **variables.literals}
    # Not `manager.extra_vars.update`: all managers of a process share that mapping.
    manager._extra_vars = override
    for host in hosts.get_hosts("samerun") if "samerun" in hosts.groups else []:
        given = manager.get_vars(play=play, host=host)
        found = {**defaults, **given, **internal}
        templar = Templar(loader=loader, variables=found)
        warnings = role_variables.check(given, templar.template)
        # The lookup plugin `services` returns the same, but to find it takes Ansible longer than all the rest.
        found["__samerun_services"] = declared.services(templar, found)
        world = _validated(templar.template({"world": found["__samerun_world"]}), WORLD_SPEC, f"world of {host}")
        training = {}
        if "training_script" in variables.literals:
            wanted = templar.template({"training": found["__samerun_training"]})
            training = _validated(wanted, TRAINING_SPEC, f"training of {host}")["training"]
        yield Resolved(world["world"], training, warnings)


@functools.cache
def _ours() -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the defaults and the internal variables of the role once: they do not change while a program runs."""
    from ansible.parsing.dataloader import DataLoader

    defaults = sorted((_ROLE / "defaults" / "main").glob("*.yml"))
    return embedded.read(DataLoader(), *defaults), embedded.read(DataLoader(), _ROLE / "vars" / "main.yml")


def _validated(options: Any, spec: dict[str, Any], what: str) -> dict[str, Any]:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    # Ansible's strings carry their origin. A pass through JSON makes them plain.
    result = ArgumentSpecValidator(spec).validate(json.loads(json.dumps(options)))
    if result.error_messages:
        raise SamerunError(f"Failed to read the {what}: {result.error_messages[0]}.", "", CONFIG)
    return dict(result.validated_parameters)
