# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the variables of the roles against their argument specs before anything starts.

Ansible's own check accepts unknown variables, and shows a value that has the wrong type, even if it is a secret.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared

PREFIXES = ("samerun_", "training_", *(f"{role}_" for role in declared.roles()))
_PUBLIC = ("world", *declared.roles(), "training")
_NEAR = 2
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times as fast, but may be missing


@functools.cache
def specs() -> dict[str, dict[str, Any]]:
    """Map each variable of the public roles to its argument spec."""
    found: dict[str, dict[str, Any]] = {}
    for role in _PUBLIC:
        text = (declared.ROLES / role / "meta" / "argument_specs.yml").read_text()
        for entry in yaml.load(text, _LOADER)["argument_specs"].values():  # noqa: S506 - a safe loader
            found.update(entry["options"])
    found["samerun_store"]["choices"] = list(declared.stores())
    return found


def refuse_misspelt(names: Iterable[str]) -> None:
    """Raise a SamerunError for an unknown name that is close to a known one."""
    for name in names:
        if name in specs():
            continue
        nearest = min(specs(), key=lambda other: distance(name, other))
        if distance(name, nearest) <= _NEAR:
            raise SamerunError(
                f"Failed to read the variable {name}: there is none.", f"Did you mean {nearest}?", CONFIG
            )


def check(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> list[str]:
    """Check names and values of the variables against the specs.

    Args:
        variables: name to value, not templated.
        template: templates one value.

    Returns:
        A warning for each unknown variable that is close to no known one.

    Raises:
        SamerunError: an unknown variable is close to a known one, or the spec does not allow a value.
    """
    warnings = _check_unknown(variables, specs())
    known = {name: template(variables[name]) for name in specs() if name in variables}
    _check_values(known)
    return warnings


def _check_unknown(variables: Iterable[str], known: Iterable[str]) -> list[str]:
    unknown = [name for name in variables if name.startswith(PREFIXES) and name not in known]
    refuse_misspelt(unknown)
    return [f"The variable {name} is none of samerun's; nothing reads it." for name in unknown]


def _check_values(values: Mapping[str, Any]) -> None:
    # Imported late: callers that only need names do not wait for Ansible.
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    for name, value in values.items():
        spec = specs()[name]
        if isinstance(value, str) and "\0" in value:
            raise SamerunError(
                f"Failed to read the variable {name}: it holds a NUL byte.", "Was it read from a binary file?", CONFIG
            )
        misshapen = _is_misshapen(spec["type"], value)
        errors = [] if misshapen else ArgumentSpecValidator({name: spec}).validate({name: value}).error_messages
        if not errors and not misshapen:
            continue
        hidden = misshapen or spec.get("no_log", False)
        cause = f"it is not of type {spec['type']}" if hidden else errors[0]
        raise SamerunError(f"Failed to read the variable {name}: {cause}.", "See its role's README.", CONFIG)


def _is_misshapen(kind: str, value: Any) -> bool:
    """Whether Ansible would convert `value` silently to something unwanted: a list to text, a number to a list."""
    shapes = {"dict": Mapping, "list": list}
    return isinstance(value, (Mapping, list)) if kind == "str" else not isinstance(value, shapes.get(kind, object))


def distance(one: str, other: str) -> int:
    """The Levenshtein distance of two strings."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
