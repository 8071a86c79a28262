# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the services: each role with a data file `vars/main/service.yml`, which defines `__<role>_service`.

The files are read as plain YAML, ten times as fast as by Ansible. Before Ansible templates their values, they are
marked as trusted.
"""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.options import DECLARED

ROLES = Path(__file__).parents[3] / "roles"
_DATA_FILE = Path("vars", "main", "service.yml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times as fast, but may be missing


@functools.cache
def roles() -> tuple[str, ...]:
    """The names of the roles that are services."""
    return tuple(sorted(path.parents[2].name for path in ROLES.glob(f"*/{_DATA_FILE}")))


@functools.cache
def stores() -> tuple[str, ...]:
    """The kinds of object store: one for each other data file beside `service.yml`."""
    folder = (ROLES / "object_store" / _DATA_FILE).parent
    return tuple(sorted(path.stem for path in folder.glob("*.yml") if path.name != _DATA_FILE.name))


@functools.cache
def titles() -> dict[str, str]:
    """Map each role to the title of its service, without an article; no template is evaluated."""
    found = _read(f"{_DATA_FILE.parent}/*.yml")
    return {role: str(found[f"__{role}_service"]["title"]).removeprefix("the ") for role in roles()}


def services(templar: Any, variables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Evaluate the templates in the declarations of all services (the keys of `DECLARED`), in the order of start.

    Args:
        templar: Ansible's Templar.
        variables: the variables of a world; the defaults of the services' roles fill in those that are missing.
    """
    known = {**_templates("defaults/main.yml"), **variables, **_templates(f"{_DATA_FILE.parent}/*.yml")}
    declared = [
        {key: known[f"__{role}_service"].get(key, spec.get("default")) for key, spec in DECLARED.items()}
        for role in roles()
    ]
    return in_order(templar.copy_with_new_env(available_variables=known).template(declared))


def in_order(declared: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sort services into the order in which they start: each after the services that it needs.

    Raises:
        graphlib.CycleError: two services need each other.
    """
    found = {service["role"]: dict(service) for service in declared}
    needs = {role: [need for need in service.get("needs", []) if need in found] for role, service in found.items()}
    return [found[role] for role in graphlib.TopologicalSorter(needs).static_order()]


@functools.cache
def _templates(pattern: str) -> dict[str, Any]:
    """Read these files of the services' roles, and mark their values as trusted: they are part of the collection."""
    found: dict[str, Any] = _trusted(_read(pattern))
    return found


@functools.cache
def _read(pattern: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for role in roles():
        for path in sorted((ROLES / role).glob(pattern)):
            found.update(yaml.load(path.read_text(), _LOADER) or {})  # noqa: S506 - a safe loader
    return found


def _trusted(value: Any) -> Any:
    from ansible.template import trust_as_template

    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: _trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trusted(item) for item in value]
    return value
