# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the argument spec and the documentation of module options that contain settings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.settings import ROLES, SETTINGS
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Setting

_ABOUT = {role.option: role.about for role in ROLES}


def nested(option: str, leaf: Callable[[Setting], Any], branch: Callable[[str, dict[str, Any]], Any]) -> dict[str, Any]:
    """Build a dictionary for `option`: an entry for each setting in it, then for each nested option.

    Args:
        leaf: makes the entry of a setting.
        branch: makes the entry of a nested option, from its path and the dictionary of its own entries.
    """
    places = {setting.option.removeprefix(f"{option}."): setting for setting in _within(option) if setting.option}
    found = {name: leaf(setting) for name, setting in places.items() if "." not in name}
    for name in dict.fromkeys(name.partition(".")[0] for name in places if "." in name):
        path = f"{option}.{name}"
        found[name] = branch(path, nested(path, leaf, branch))
    return found


def argument_spec(option: str) -> dict[str, Any]:
    """Return the argument spec of the settings in `option`."""

    def leaf(setting: Setting) -> dict[str, Any]:
        return {**setting.shape, **_default(setting), **({"no_log": True} if setting.no_log else {})}

    return nested(option, leaf, lambda _path, found: {"type": "dict", "required": True, "options": found})


def documentation(option: str) -> dict[str, Any]:
    """Return the documentation of the settings in `option`, in Ansible's format."""

    def leaf(setting: Setting) -> dict[str, Any]:
        return {"description": [marked_up(setting.help)], **setting.shape, **_default(setting)}

    def branch(path: str, found: dict[str, Any]) -> dict[str, Any]:
        return {"description": [_ABOUT[path]], "type": "dict", "required": True, "suboptions": found}

    return nested(option, leaf, branch)


def fragment(option: str, **more: Any) -> str:
    """Return the documentation of `option` as a doc fragment, in JSON, which is valid YAML.

    Args:
        more: the documentation of the keys of `option` that are no settings, by key.
    """
    holds = f"The role P(samerun.stack.world#role) makes it of the inventory's variables as C({variable(option)})."
    documented = {
        "description": [_ABOUT[option], holds],
        "type": "dict",
        "required": True,
        "suboptions": {**documentation(option), **more},
    }
    return json.dumps({"options": {option: documented}})


def variable(option: str) -> str:
    """Return the internal variable in which roles pass `option` to modules."""
    return f"__samerun_{option}"


def marked_up(text: str) -> str:
    """Replace the backticks in `text` by the markup of Ansible's documentation."""
    return re.sub(r"`([^`]+)`", r"C(\1)", text)


def _within(option: str) -> list[Setting]:
    return [setting for setting in SETTINGS.values() if (setting.option or "").startswith(f"{option}.")]


def _default(setting: Setting) -> dict[str, Any]:
    return {"required": True} if setting.is_computed else {"default": setting.default}
