"""What an inventory says, resolved without a play."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC
from ansible_collections.samerun.stack.plugins.modules.training_run import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared, role_variables
from samerun import COLLECTIONS, STACK, inventories
from samerun.variables import Variables

_ROLE = STACK / "roles" / "world"
_TRAINING_SPEC = {name: spec for name, spec in ARGUMENT_SPEC.items() if name != "world"}
_OURS = "ansible_collections.samerun.stack."
_LOCK = threading.Lock()  # Ansible's display and its managers are not made for threads


@dataclass(frozen=True)
class Resolved:
    """What an inventory says, as the modules take it.

    Attributes:
        world: the option `world` of every module.
        training: the options of training_run, but for the world.
    """

    world: Mapping[str, Any]
    training: Mapping[str, Any] = field(repr=False)


def resolve(inventory: str, variables: Variables) -> list[Resolved]:
    """What an inventory says, as the roles would see it: their defaults, the inventory, and what overrides it.

    May be called in a host program and from its threads. Ansible's import hooks stay, its settings are those of the
    folder of the first call; nothing else does.

    Raises:
        SamerunError: the inventory cannot be read or names no world.
    """
    path = inventories.located(inventory)
    with _LOCK, _ansible():
        from ansible.errors import AnsibleError

        try:
            found = list(_resolved(path, variables))
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


class _OwnFinder(MetaPathFinder):
    """Finds modules of our collection as Python does.

    Ansible's finder cannot find those of a collection of which others were imported before it came.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_OURS):
            return None
        for folder in path or ():
            if spec := FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(fullname):
                return spec
        return None


@contextlib.contextmanager
def _ansible() -> Iterator[None]:
    """Ansible as we need it, inside the block."""
    others = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections")
    ours = {
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{others}",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
    }
    # It reads its settings while it is imported, and never again.
    if "ansible.constants" not in sys.modules:
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            importlib.import_module("ansible.constants")
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
    from ansible.plugins.loader import init_plugin_loader
    from ansible.utils.collection_loader._collection_config import AnsibleCollectionConfig
    from ansible.utils.display import Display

    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([str(COLLECTIONS)])
    if not any(isinstance(finder, _OwnFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OwnFinder())
    display = Display()
    # What it would warn of is an error here, in one line.
    display.warning = lambda *_given, **_named: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        del display.warning


def _resolved(inventory: str, variables: Variables) -> Iterator[Resolved]:
    from ansible.inventory.manager import InventoryManager
    from ansible.template import Templar
    from ansible.vars.manager import VariableManager

    loader = _loader()
    hosts = InventoryManager(loader=loader, sources=[inventory])
    manager = VariableManager(loader=loader, inventory=hosts)
    defaults, internal = _ours()
    override = {**_read(loader, *variables.files), **_trusted(variables.values), **variables.literals}
    for host in hosts.get_hosts("samerun") if "samerun" in hosts.groups else []:
        given = {**manager.get_vars(host=host), **override}
        found = {**defaults, **given, **internal}
        templar = Templar(loader=loader, variables=found)
        role_variables.check(given, templar.template)
        # What the lookup plugin says; Ansible's own way to find that plugin takes longer than all the rest.
        found["__samerun_services"] = declared.services(templar, found)
        world = _validated(templar.template({"world": found["__samerun_world"]}), WORLD_SPEC, f"world of {host}")
        training = {}
        if "training_script" in variables.literals:
            training = _validated(templar.template(found["__samerun_training"]), _TRAINING_SPEC, f"training of {host}")
        yield Resolved(world["world"], training)


@functools.cache
def _ours() -> tuple[dict[str, Any], dict[str, Any]]:
    """The defaults and the internal variables of the role, which do not change while a program runs."""
    from ansible.parsing.dataloader import DataLoader

    defaults = sorted((_ROLE / "defaults" / "main").glob("*.yml"))
    return _read(DataLoader(), *defaults), _read(DataLoader(), _ROLE / "vars" / "main.yml")


def _validated(options: Any, spec: dict[str, Any], what: str) -> dict[str, Any]:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    # Ansible's strings carry where they come from; what is made of them must not.
    result = ArgumentSpecValidator(spec).validate(json.loads(json.dumps(options)))
    if result.error_messages:
        raise SamerunError(f"Failed to read the {what}: {result.error_messages[0]}.", "", CONFIG)
    return dict(result.validated_parameters)


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
