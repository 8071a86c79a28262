"""Variables that override the inventory: from samerun.yml, from the command line, and set by the command itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, NO_INPUT, USAGE, SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.world import role_variables

PROJECT_FILE = "samerun.yml"
_OF_THE_WORLD = tuple(prefix for prefix in role_variables.PREFIXES if prefix != "training_")
_PLAIN = ("str", "int", "bool")
_LOGIN = re.compile(r":[^/@]*@")  # as in user:password@host
_TEMPLATE_MARKS = ("{{", "{%", "{#")


@dataclass(frozen=True)
class Variables:
    """Variables that override the inventory: `values` override `files`, and `literals` override both.

    Attributes:
        files: files of variables, as Ansible reads them; later files override earlier ones.
        values: name to value; strings in them are templates, as in an inventory.
        literals: name to value; strings in them are data, never templates.
    """

    files: tuple[Path, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    literals: Mapping[str, Any] = field(default_factory=dict)

    def with_literals(self, **more: Any) -> Variables:
        return replace(self, literals={**self.literals, **more})

    def as_yaml(self) -> str:
        """Write `values` and `literals` as the text of a YAML file."""
        shown = {**self.values, **{name: _literal(value) for name, value in self.literals.items()}}
        return yaml.dump(shown, Dumper=_Dumper, sort_keys=False)

    def with_project(self, folder: Path) -> Variables:
        """Add the project's samerun.yml, which all other variables override; check the names of all.

        Raises:
            SamerunError: a file is broken, or an unknown name is close to a known one.
        """
        own = folder.absolute() / PROJECT_FILE
        found = replace(self, files=(own, *self.files)) if own.exists() else self
        for path in found.files:
            role_variables.refuse_misspelt(_names_in(path))
        role_variables.refuse_misspelt(self.values)
        return found


def given(texts: Iterable[str]) -> Variables:
    """Read the variables of -e arguments: `NAME=VALUE`, `@FILE`, or several in braces (JSON or YAML), as Ansible does.

    Raises:
        SamerunError: an argument has another form.
    """
    texts = list(texts)
    files = tuple(Path(text[1:]).expanduser().absolute() for text in texts if text.startswith("@"))
    values: dict[str, Any] = {}
    for text in texts:
        if text.startswith("{"):
            values.update(_in_braces(text))
        elif not text.startswith("@"):
            values.update({name: _typed(value) for name, value in assigned("-e", [text]).items()})
    return Variables(files, values)


def repeatable(texts: Iterable[str]) -> list[str]:
    """Choose the -e arguments that determine the world and how it is reached, and that can hold no secret.

    These are all files, and the variables of the world and its services whose spec has a plain type. From a text in
    braces, only such variables are taken.
    """
    found = []
    for text in texts:
        if text.startswith("@"):
            found.append(text)
        elif text.startswith("{"):
            found += [f"{name}={value}" for name, value in _in_braces(text).items() if _is_shown(name, value)]
        elif _is_shown(*text.partition("=")[::2]):
            found.append(text)
    return found


def _is_shown(name: str, value: Any) -> bool:
    spec = role_variables.specs().get(name, {"no_log": True})
    plain = isinstance(value, (str, int)) and spec.get("type") in _PLAIN and not _LOGIN.search(str(value))
    return plain and not spec.get("no_log") and (name.startswith(_OF_THE_WORLD) or name == "training_namespace")


def _in_braces(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        # The text itself may hold a secret.
        hint = """Write for example -e '{"training_volumes": ["data:/data"]}'"""
        raise SamerunError("Failed to read -e {...: these are no variables in JSON.", hint, USAGE)
    return found


def assigned(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` texts into a mapping.

    Raises:
        SamerunError: a text has another form.
    """
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise SamerunError(
                f"Failed to read {option} {name}: it is not NAME=VALUE.", f"Write for example {option} {name}=1", USAGE
            )
        found[name] = value
    return found


class _Loader(yaml.SafeLoader):
    """Accepts Ansible's tags, such as !vault, and drops the tagged values: only names are needed."""


_Loader.add_multi_constructor("!", lambda _loader, _tag, _node: "")


class _Dumper(yaml.SafeDumper):
    """Writes literals with Ansible's tag !unsafe, so that they are not templated."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Literal(str):
    __slots__ = ()


_Dumper.add_representer(_Literal, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def _literal(value: Any) -> Any:
    if isinstance(value, str):
        # Only where needed: with the tag, Ansible reads "007" as a number and "" as null.
        return _Literal(value) if any(mark in value for mark in _TEMPLATE_MARKS) else value
    if isinstance(value, Mapping):
        return {str(key): _literal(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [_literal(item) for item in value]
    return value


def _typed(text: str) -> Any:
    """Read a JSON list or mapping; any other text stays text, such as a template, which also begins with a brace."""
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _names_in(path: Path) -> list[str]:
    try:
        found = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a subclass of the safe loader
    except OSError as error:
        raise SamerunError(f"Failed to read {path}: {error.strerror}.", "Correct its path.", NO_INPUT) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SamerunError(
            f"Failed to read {path}: {_where(error)}.", "Write NAME: VALUE, one a line.", DATA
        ) from error
    if not isinstance(found or {}, dict):
        raise SamerunError(f"Failed to read {path}: it holds no variables.", "Write NAME: VALUE, one a line.", DATA)
    return [str(name) for name in found or {}]


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it is not YAML"
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
