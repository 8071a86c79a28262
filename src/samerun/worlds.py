"""The worlds of an inventory, read without a play."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import role_variables
from samerun import COLLECTIONS, STACK, inventories
from samerun.variables import Variables

_ROLE = STACK / "roles" / "world"


def load(inventory: str, variables: Variables) -> list[World]:
    """The worlds as the roles would see them: their defaults, the inventory, and what overrides it.

    For a command's own process: Ansible's import hook and settings stay.

    Raises:
        SamerunError: the inventory cannot be read or names no world.
    """
    # Ansible reads its settings while it is imported.
    others = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections")
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = f"{COLLECTIONS}:{others}"
    os.environ["ANSIBLE_INVENTORY_UNPARSED_FAILED"] = "true"
    os.environ["ANSIBLE_DEPRECATION_WARNINGS"] = "false"
    from ansible.errors import AnsibleError
    from ansible.utils.display import Display

    # What it would warn of is an error here, in one line.
    Display().warning = lambda *_given, **_named: None  # type: ignore[method-assign]
    try:
        path = inventories.located(inventory)
        found = [World.from_options(options) for options in _options(path, variables)]
    except AnsibleError as error:
        cause = " ".join(str(error).split())
        raise SamerunError(f"Failed to read the inventory {inventory}: {cause}", "Correct it.", CONFIG) from error
    if not found:
        raise SamerunError(
            f"Failed to find a world: {inventory} names no host in the group samerun.",
            f"Compare it with {STACK / 'inventories'}.",
            NO_INPUT,
        )
    return found


def _options(inventory: str, variables: Variables) -> Iterator[dict[str, Any]]:
    from ansible.inventory.manager import InventoryManager
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar
    from ansible.vars.manager import VariableManager

    init_plugin_loader([str(COLLECTIONS)])
    loader = _loader()
    hosts = InventoryManager(loader=loader, sources=[inventory])
    manager = VariableManager(loader=loader, inventory=hosts)
    defaults = _read(loader, *sorted((_ROLE / "defaults" / "main").glob("*.yml")))
    internal = _read(loader, _ROLE / "vars" / "main.yml")
    override = {**_read(loader, *variables.files), **_trusted(variables.values), **variables.literals}
    for host in hosts.get_hosts("samerun") if "samerun" in hosts.groups else []:
        given = {**manager.get_vars(host=host), **override}
        found = {**defaults, **given, **internal}
        templar = Templar(loader=loader, variables=found)
        role_variables.check(given, templar.template)
        world = json.loads(json.dumps(templar.template(found["__samerun_world"])))
        result = ArgumentSpecValidator(WORLD_SPEC).validate({"world": world})
        if result.error_messages:
            raise SamerunError(f"Failed to read the world of {host}: {result.error_messages[0]}.", "", CONFIG)
        yield result.validated_parameters["world"]


def _loader() -> Any:
    from ansible.constants import config
    from ansible.parsing.dataloader import DataLoader

    loader = DataLoader()
    identities = config.get_config_value("DEFAULT_VAULT_IDENTITY_LIST")
    if identities or config.get_config_value("DEFAULT_VAULT_PASSWORD_FILE"):
        from ansible.cli import CLI

        loader.set_vault_secrets(CLI.setup_vault_secrets(loader, identities, auto_prompt=False))
    return loader


def _read(loader: Any, *files: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in files:
        found.update(loader.load_from_file(str(path), trusted_as_template=True) or {})
    return found


def _trusted(value: Any) -> Any:
    """`value` with its strings as templates, as they are for a play that reads them from a file."""
    from ansible.template import trust_as_template

    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: _trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trusted(item) for item in value]
    return value
