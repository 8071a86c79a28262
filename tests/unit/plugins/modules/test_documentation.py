"""What a module documents and what it takes are one thing."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.samerun.stack.plugins.doc_fragments import action, training, world

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
FRAGMENTS = {
    "action": action.ModuleDocFragment,
    "world": world.ModuleDocFragment,
    "training": training.ModuleDocFragment,
}
STACK = "ansible_collections.samerun.stack.plugins"
NAMES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
# Part of the documentation, no part of what is checked.
TEXTS = ("description", "version_added", "aliases")
# Part of what is checked, never of the documentation.
UNDOCUMENTED = ("no_log",)


def module(name: str) -> ModuleType:
    return importlib.import_module(f"{STACK}.modules.{name}")


def documentation(name: str) -> dict[str, Any]:
    """A module's documentation with that of its fragments."""
    found: dict[str, Any] = yaml.safe_load(module(name).DOCUMENTATION)
    fragments = found.get("extends_documentation_fragment", [])
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        collection, _, rest = fragment.partition("samerun.stack.")
        file, part = [*rest.split("."), "documentation"][:2]
        assert (collection, file in FRAGMENTS) == ("", True)
        for key, value in yaml.safe_load(getattr(FRAGMENTS[file], part.upper())).items():
            found[key] = value if isinstance(value, list) else {**found.get(key, {}), **value}
    return found


def documented(options: dict[str, Any]) -> dict[str, Any]:
    """Documented options in the shape of an argument spec."""
    spec = {}
    for name, option in options.items():
        spec[name] = {key: value for key, value in option.items() if key not in (*TEXTS, "suboptions")}
        if "suboptions" in option:
            spec[name]["options"] = documented(option["suboptions"])
    return spec


def checked(spec: dict[str, Any]) -> dict[str, Any]:
    """An argument spec less what documentation does not say."""
    found = {}
    for name, option in spec.items():
        found[name] = {key: value for key, value in option.items() if key not in UNDOCUMENTED}
        if "options" in option:
            found[name]["options"] = checked(option["options"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_documentation_and_argument_spec_agree(name: str) -> None:
    assert documented(documentation(name).get("options", {})) == checked(module(name).ARGUMENT_SPEC)


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_it_does_and_how_it_is_called(name: str) -> None:
    found = documentation(name)
    assert found["module"] == name
    assert found["attributes"].keys() >= {"check_mode", "diff_mode"}
    tasks = yaml.safe_load(module(name).EXAMPLES)
    assert [f"samerun.stack.{name}" in task for task in tasks] == [True] * len(tasks)
    assert tasks
    assert yaml.safe_load(module(name).RETURN) is not None or module(name).RETURN.strip().startswith("#")


@pytest.mark.parametrize("name", NAMES)
def test_examples_use_options_that_exist(name: str) -> None:
    used = {option for task in yaml.safe_load(module(name).EXAMPLES) for option in task[f"samerun.stack.{name}"] or {}}
    assert used - module(name).ARGUMENT_SPEC.keys() == set()


@pytest.mark.parametrize("name", NAMES)
def test_an_action_of_the_same_name_takes_the_same_arguments(name: str) -> None:
    action = importlib.import_module(f"{STACK}.action.{name}")
    assert module(name).ARGUMENT_SPEC is action.ActionModule.ARGUMENTS


@pytest.mark.parametrize("name", NAMES)
def test_secret_options_are_marked(name: str) -> None:
    def secret(spec: dict[str, Any]) -> list[str]:
        found = [key for key, option in spec.items() if ("secret" in key or "access_key" in key) and not marked(option)]
        return found + [key for option in spec.values() for key in secret(option.get("options", {}))]

    def marked(option: dict[str, Any]) -> bool:
        return "no_log" in option

    # Names of Secrets, and templates of files: no secret themselves.
    assert set(secret(module(name).ARGUMENT_SPEC)) <= {"pull_secrets", "secret_files"}
