# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a setting is: a variable of the inventory, and all that is said of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

ROLES_ONLY = ""  # the place of a setting that no module takes


@dataclass(frozen=True)
class Setting:
    """One row.

    Attributes:
        name: the variable.
        type: as argument specs have it: `str`, `int`, `bool`, `list` or `dict`.
        default: a value, or the template that the role's defaults hold.
        help: what it is, in sentences, with `code` in backticks.
        option: where modules take it, as `world.mlflow.port`; by default in the role's option, under the name without
            the role's prefix.
        value: what modules get, as a template, where that is not just the variable.
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
        """What modules get, as a template."""
        return self.value or f"{{{{ {self.name} }}}}"

    @property
    def is_computed(self) -> bool:
        """Whether its default is a template, which only a role can fill in."""
        return isinstance(self.default, str) and "{{" in self.default

    def text_in(self, options: Mapping[str, Any]) -> str:
        """Its value among the options of a module, as a text; empty where there is none."""
        found: Any = options
        for name in (self.option or "").split("."):
            found = found[name]
        if found is None:
            return ""
        return found if isinstance(found, str) else json.dumps(found)

    @property
    def shape(self) -> dict[str, Any]:
        """Its type, as argument specs and documentation have it."""
        elements = {"elements": self.elements} if self.elements else {}
        return {"type": self.type, **elements, **({"choices": list(self.choices)} if self.choices else {})}


@dataclass(frozen=True)
class Role:
    """The settings of one role.

    Attributes:
        name: of the role.
        prefix: of its variables.
        option: the option of modules that takes its settings, as `world.mlflow`.
        about: what that option is.
        sections: settings by the section of the role's README that shows them, in the order of the role's files.
    """

    name: str
    prefix: str
    option: str
    about: str
    sections: Mapping[str, tuple[Setting, ...]]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All of them, each with its place in the options of modules."""
        return tuple(self._placed(setting) for settings in self.sections.values() for setting in settings)

    def _placed(self, setting: Setting) -> Setting:
        if setting.option is not None:
            return setting
        return replace(setting, option=f"{self.option}.{setting.name.removeprefix(self.prefix)}")
