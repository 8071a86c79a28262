"""What travels with a launch is one file with all that the shim imports of ours."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.code import shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import shim


def names() -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(shim_archive.data())).namelist())


def test_the_same_sources_are_the_same_bytes() -> None:
    first = shim_archive.data()
    shim_archive.data.cache_clear()
    assert shim_archive.data() == first


def test_every_file_of_the_shim_travels_and_nothing_else_of_the_collection() -> None:
    package = shim.__name__.rpartition(".")[0].replace(".", "/")
    folder = Path(shim.__file__).parent
    assert {f"{package}/{path.name}" for path in folder.glob("*.py")} == {
        name for name in names() if name.startswith(f"{package}/")
    }
    others = {name for name in names() if not name.startswith(package) and not name.endswith("__init__.py")}
    assert {Path(name).stem for name in others} == {"__main__", "causes", "contract", "masking"}


def test_every_folder_in_it_is_a_package_that_comes_before_an_installed_one() -> None:
    folders = {parent for name in names() for parent in Path(name).parents if parent.name}
    assert {f"{folder.as_posix()}/__init__.py" for folder in folders} <= names()
