# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data classes of the tables of settings: a setting is an inventory variable with its definition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

ROLES_ONLY = ""  # the `option` of a setting that no module takes


@dataclass(frozen=True)
class Setting:
    """One row of a table.

    Attributes:
        name: the variable.
        type: its type in argument specs: `str`, `int`, `bool`, `list` or `dict`.
        default: a value, or a template for the role's defaults.
        help: its description in whole sentences, with code in backticks.
        option: the path of the module option that takes it, such as `world.mlflow.port`. By default it is in the role's
            option, under its name without the role's prefix.
        value: a template of the value that modules get; empty if that is the variable itself.
        elements, choices, no_log: as in argument specs.
    """

    name: str
    type: str
    default: Any
    help: str
    option: str | None = None
    value: str = ""
    elements: str = ""
    choices: tuple[str, ...] = ()
    no_log: bool = False

    @property
    def template(self) -> str:
        """Return the template of the value that modules get."""
        return self.value or f"{{{{ {self.name} }}}}"

    @property
    def is_computed(self) -> bool:
        """Whether its default is a template, which only a role can evaluate."""
        return isinstance(self.default, str) and "{{" in self.default

    def text_in(self, options: Mapping[str, Any]) -> str:
        """Return its value in the options of a module as text; empty if it has none."""
        found: Any = options
        for name in (self.option or "").split("."):
            found = found[name]
        if found is None:
            return ""
        return found if isinstance(found, str) else json.dumps(found)

    @property
    def shape(self) -> dict[str, Any]:
        """Return its type in the format of argument specs and documentation."""
        elements = {"elements": self.elements} if self.elements else {}
        return {"type": self.type, **elements, **({"choices": list(self.choices)} if self.choices else {})}


@dataclass(frozen=True)
class Role:
    """The settings of one role.

    Attributes:
        name: the name of the role.
        prefix: the prefix of its variables.
        option: the module option that takes its settings, such as `world.mlflow`.
        about: the description of that option.
        sections: the settings by section of the role's README, in the order of the role's files.
    """

    name: str
    prefix: str
    option: str
    about: str
    sections: Mapping[str, tuple[Setting, ...]]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return all settings of the role, each with its path in the options of modules."""
        return tuple(self._placed(setting) for settings in self.sections.values() for setting in settings)

    def _placed(self, setting: Setting) -> Setting:
        if setting.option is not None:
            return setting
        return replace(setting, option=f"{self.option}.{setting.name.removeprefix(self.prefix)}")
