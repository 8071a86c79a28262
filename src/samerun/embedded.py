"""Uses Ansible as a library in this process, which may be another program's that imported samerun."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from samerun import COLLECTIONS, routing

_OURS = "ansible_collections.samerun.stack."
_SPOKEN = ("display", "warning")


class _OwnFinder(MetaPathFinder):
    """Finds modules of our collection as Python does.

    Ansible's finder does not find a module if others of the same collection were imported before the finder was set up.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(_OURS):
            return None
        # Not `path`: to read it makes Python ask Ansible's finder once the search path of the program has changed.
        folder = COLLECTIONS.joinpath(*fullname.split(".")[:-1])
        return FileFinder(str(folder), (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(fullname)


@contextlib.contextmanager
def entered() -> Iterator[None]:
    """Set up Ansible for the block: its settings and import hooks, and no output of its own."""
    others = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "~/.ansible/collections")
    ours = {
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{others}",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
    }
    # Ansible reads its settings only once, when it is imported.
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

    routing.remember()
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([str(COLLECTIONS)])
    if not any(isinstance(finder, _OwnFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _OwnFinder())
    display = Display()
    # Ansible prints nothing: samerun reports errors itself, and standard output belongs to the script or the program.
    for name in _SPOKEN:
        setattr(display, name, lambda *_given, **_named: None)
    try:
        yield
    finally:
        for name in _SPOKEN:
            delattr(display, name)


def loader() -> Any:
    """Make a loader that reads files as Ansible does, vaults too if their passwords are configured."""
    from ansible.constants import config
    from ansible.parsing.dataloader import DataLoader

    found = DataLoader()
    identities = config.get_config_value("DEFAULT_VAULT_IDENTITY_LIST")
    if identities or config.get_config_value("DEFAULT_VAULT_PASSWORD_FILE"):
        from ansible.cli import CLI

        found.set_vault_secrets(CLI.setup_vault_secrets(found, identities, auto_prompt=False))
    return found


def read(loader: Any, *files: Path) -> dict[str, Any]:
    """Read the variables of `files`; later files override earlier ones."""
    found: dict[str, Any] = {}
    for path in files:
        found.update(loader.load_from_file(str(path), trusted_as_template=True) or {})
    return found


def trusted(value: Any) -> Any:
    """Mark the strings in `value` as trusted templates, as a play does for variables from a file."""
    from ansible.template import trust_as_template

    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return value
