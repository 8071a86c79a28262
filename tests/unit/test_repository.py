"""The repository itself: one version, whole links, and nothing in it about the machines it was made on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import samerun
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import installer

FARM = Path("collections/ansible_collections/samerun/stack")
LINKS = {"README.md", "galaxy.yml", "inventories", "meta", "playbooks", "plugins", "roles", "trainer"}

# In pieces, so that this file does not find itself.
FOREIGN = {
    "a path of one machine": "/" + "work/",
    "a package registry's host": "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("deb", "debian", "org"),
            ("security", "debian", "org"),
        )
    ),
}
TEST_ENGINES = "test" + "bed"


@pytest.fixture(scope="module")
def pyproject(root: Path) -> dict[str, dict[str, object]]:
    return tomllib.loads((root / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def galaxy(root: Path) -> dict[str, object]:
    loaded = yaml.safe_load((root / "galaxy.yml").read_text())
    assert isinstance(loaded, dict)
    return loaded


def test_package_and_collection_have_one_version(galaxy: dict[str, object]) -> None:
    assert galaxy["version"] == samerun.__version__


def test_package_and_collection_have_one_license(
    galaxy: dict[str, object], pyproject: dict[str, dict[str, object]]
) -> None:
    assert galaxy["license"] == [pyproject["project"]["license"]]


def test_every_dependency_has_a_floor(pyproject: dict[str, dict[str, object]]) -> None:
    # Without one, a conflict between two newest releases sends pip back through years of old ones.
    project = pyproject["project"]
    names: list[str] = [*project["dependencies"], *project["optional-dependencies"]["test"]]  # type: ignore[misc, index]
    assert [name for name in names if not any(s.operator == ">=" for s in Requirement(name).specifier)] == []


def test_uv_has_one_floor(pyproject: dict[str, dict[str, object]]) -> None:
    assert installer.REQUIREMENT in pyproject["project"]["dependencies"]  # type: ignore[operator]


def test_every_link_of_the_collection_leads_to_the_root(root: Path) -> None:
    farm = root / FARM
    assert {entry.name for entry in farm.iterdir()} == LINKS
    assert {entry.name: str(entry.readlink()) for entry in farm.iterdir()} == {
        name: f"../../../../{name}" for name in LINKS
    }
    assert [name for name in LINKS if not (farm / name).exists()] == []


def test_nothing_closes_the_namespace_above_the_collection(root: Path) -> None:
    # A file there would hide the collections that come with Ansible.
    assert list((root / "collections").rglob("*.py")) == []


def readable(root: Path, names: list[str]) -> dict[str, str]:
    """The text of those files that are text; a link counts as what it leads to, which is listed itself."""
    texts = {}
    for name in names:
        path = root / name
        data = b"" if path.is_symlink() else path.read_bytes()
        if data and b"\0" not in data:
            texts[name] = data.decode(errors="replace")
    return texts


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_names(root: Path, sources: list[str], what: str) -> None:
    found = [name for name, text in readable(root, sources).items() if re.search(FOREIGN[what], text)]
    assert found == [], f"these files name {what}"


def test_only_ci_and_tests_know_the_engines_of_the_tests(root: Path, sources: list[str]) -> None:
    found = [
        name
        for name, text in readable(root, sources).items()
        if TEST_ENGINES in text.lower() and not name.startswith((".ci/", "tests/"))
    ]
    assert found == []
