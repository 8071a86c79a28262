"""A table is read once; what was kept is what would be read."""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any

import pytest

from samerun.routing import Remembering

LARGE = b"a: " + b"x" * 200_000


class Counted:
    """Reads, and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: bytes | str, _content_id: Any) -> dict[str, str]:
        self.count += 1
        return {"length": str(len(text))}


def test_a_large_table_is_read_once_by_all_processes(tmp_path: Path) -> None:
    read = Counted()
    found = [Remembering(read, tmp_path)(LARGE, ("a", "b")) for _process in range(2)]
    assert found == [{"length": str(len(LARGE))}] * 2
    assert read.count == 1
    Remembering(read, tmp_path)(LARGE + b"y", ("a", "b"))
    assert read.count == 2, "another text is another table"


def test_a_small_one_is_not_kept(tmp_path: Path) -> None:
    read = Counted()
    for _process in range(2):
        Remembering(read, tmp_path)("a: b", ("a", "b"))
    assert read.count == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff"])
def test_what_was_kept_badly_is_read_again(tmp_path: Path, broken: bytes) -> None:
    read = Counted()
    Remembering(read, tmp_path)(LARGE, None)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(broken)
    assert Remembering(read, tmp_path)(LARGE, None) == {"length": str(len(LARGE))}
    assert read.count == 2
    assert json.loads(kept.read_bytes())


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert Remembering(Counted(), tmp_path / "file" / "folder")(LARGE, None)["length"]


def test_ansibles_own_table_is_kept_as_it_is(tmp_path: Path) -> None:
    from ansible.utils.collection_loader._collection_meta import _meta_yml_to_dict

    text = importlib.resources.files("ansible").joinpath("config/ansible_builtin_runtime.yml").read_bytes()
    assert len(text) > 100_000
    read = _meta_yml_to_dict(text, None)
    for _process in range(2):
        assert Remembering(_meta_yml_to_dict, tmp_path)(text, None) == read
