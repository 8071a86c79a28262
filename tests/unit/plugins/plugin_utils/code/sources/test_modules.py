"""An import is followed to the file that Python would execute."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import modules
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources.modules import Need


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (
        "lib/__init__.py",
        "lib/model.py",
        "space/part.py",
        "plain.py",
        "fast.cpython-311-x86_64-linux-gnu.so",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    "dotted, files, missing",
    [
        ("plain", ["plain.py"], ""),
        ("lib.model", ["lib/__init__.py", "lib/model.py"], ""),
        ("space.part", ["space/part.py"], ""),
        ("lib.none", ["lib/__init__.py"], "none"),
        ("plain.none", ["plain.py"], "none"),
        ("numpy.linalg", [], ""),
        ("space.none", [], ""),
    ],
)
def test_a_dotted_name_leads_to_the_projects_files_packages_first(
    project: Path, dotted: str, files: list[str], missing: str
) -> None:
    found = modules.find(project, dotted)
    assert ([path.relative_to(project).as_posix() for path in found.files], found.missing) == (files, missing)


def test_a_package_can_be_looked_into_and_a_module_cannot(project: Path) -> None:
    assert modules.find(project, "lib").folder == project / "lib"
    assert modules.find(project, "space").folder == project / "space"
    assert modules.find(project, "plain").folder is None


def test_what_is_compiled_cannot_be_read(project: Path) -> None:
    assert modules.find(project, "fast").opaque
    assert not modules.find(project, "plain").opaque


def test_a_module_that_is_misspelt_is_answered_with_the_near_one(project: Path) -> None:
    assert modules.find(project, "lib.modle").near == "model"
    assert modules.near(project, "plian") == "plain"
    assert modules.near(project, "nothing_like_it") == ""


def needs(text: str, *, is_script: bool = True) -> dict[str, Need]:
    return {found.module: found.need for found in modules.imports_of(ast.parse(text).body, is_script=is_script)}


def test_how_surely_an_import_is_made_is_no_more_than_its_outermost_block() -> None:
    text = "import a\nif x:\n    import b\n    try: import c\n    except E: pass\n    finally: import d\n"
    assert needs(text) == {"a": Need.REQUIRED, "b": Need.LAZY, "c": Need.OPTIONAL, "d": Need.LAZY}


def test_what_only_the_script_does_is_nothing_of_a_neighbours() -> None:
    text = "if __name__ == '__main__':\n    import a\nelse:\n    import b\n"
    assert needs(text) == {"a": Need.REQUIRED}
    assert needs(text, is_script=False) == {"b": Need.REQUIRED}


@pytest.mark.parametrize("end", ["raise SystemExit", "sys.exit()", "os._exit(1)"])
def test_nothing_behind_the_end_of_a_source_is_imported(end: str) -> None:
    assert needs(f"import a\n{end}\nimport b\n") == {"a": Need.REQUIRED}


def test_an_import_says_what_is_taken_from_where() -> None:
    first, second = modules.imports_of(ast.parse("from ..lib import a as b, c\n").body, is_script=True)
    assert [(one.module, one.name, one.level, one.line) for one in (first, second)] == [
        ("lib", "a", 2, 1), ("lib", "c", 2, 1),
    ]  # fmt: skip
