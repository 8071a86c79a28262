"""What follows from the tables of settings is what lies in the roles."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment

from ansible_collections.samerun.stack.plugins.module_utils.settings import ROLES
from ansible_collections.samerun.stack.plugins.module_utils.settings.options import marked_up, variable
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Role


@pytest.fixture(scope="module")
def script(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "docs" / "settings.py"))


def test_every_file_is_as_the_tables_say(script: dict[str, Any]) -> None:
    differ = [path for path, text in script["files"]().items() if path.read_text() != text]
    assert differ == [], "run: python docs/settings.py --write"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_yaml_reads_defaults_and_specs_as_they_were_meant(script: dict[str, Any], root: Path, role: Role) -> None:
    assert yaml.safe_load(script["defaults"](role)) == {setting.name: setting.default for setting in role.settings}
    text = (root / "roles" / role.name / "meta" / "argument_specs.yml").read_text()
    ((_entry, spec),) = yaml.safe_load(text)["argument_specs"].items()
    assert spec["options"] == {
        setting.name: {
            "description": marked_up(setting.help), **setting.shape,
            **({} if setting.is_computed else {"default": setting.default}),
            **({"no_log": True} if setting.no_log else {}),
        }
        for setting in role.settings
    }  # fmt: skip


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_readme_shows_every_setting_once(root: Path, role: Role) -> None:
    lines = (root / "roles" / role.name / "README.md").read_text().splitlines()
    shown = [line.split("`")[1] for line in lines if line.startswith(f"| `{role.prefix}")]
    assert sorted(shown) == sorted(setting.name for setting in role.settings)


def test_a_section_without_markers_is_told(script: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="What runs"):
        script["readme"](ROLES[-1], "# training\n")


def test_modules_get_each_setting_by_its_own_template(script: dict[str, Any], root: Path) -> None:
    found = yaml.safe_load((root / "roles" / "world" / "vars" / "main.yml").read_text())
    for role in ROLES:
        for setting in role.settings:
            if not setting.option:
                continue
            option, *path = setting.option.split(".")
            value = found[variable(option)]
            for name in path:
                value = value[name]
            assert value == setting.template
            Environment(autoescape=True).parse(value)  # which raises for one that is none
