"""Ansible in a host program: silent inside the block, and outside of it as it was."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils.display import Display

from samerun import embedded


def test_it_says_nothing_inside_and_speaks_again_outside(capsys: pytest.CaptureFixture[str]) -> None:
    def inside() -> None:
        with embedded.entered():
            Display().display("one")
            Display().warning("two")
            raise ValueError("however it ends")

    with pytest.raises(ValueError, match="however it ends"):
        inside()
    assert capsys.readouterr() == ("", "")
    assert vars(Display()).keys().isdisjoint(embedded._SPOKEN)


def test_the_environment_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", "/of/the/caller")
    before = dict(os.environ)
    with embedded.entered():
        assert dict(os.environ) == before
    assert dict(os.environ) == before


def test_modules_of_ours_are_found_once_ansible_is_there() -> None:
    for _again in range(2):
        with embedded.entered():
            pass
    assert sum(isinstance(finder, embedded._OwnFinder) for finder in sys.meta_path) == 1
    finder = embedded._OwnFinder()
    package = importlib.import_module("ansible_collections.samerun.stack.plugins.module_utils")
    name = f"{package.__name__}.errors"
    spec = finder.find_spec(name, None)
    assert spec is not None
    assert Path(str(spec.origin)).name == "errors.py"
    assert finder.find_spec("json", None) is None
    assert finder.find_spec(f"{package.__name__}.none", None) is None


def test_later_files_are_the_stronger_and_empty_ones_say_nothing(tmp_path: Path) -> None:
    texts = ("a: 1\nb: 1\n", "b: 2\n", "")
    files = [tmp_path / f"{number}.yml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    assert embedded.read(DataLoader(), *files) == {"a": 1, "b": 2}


def test_only_what_is_trusted_is_a_template() -> None:
    value = {"a": ["{{ 1 + 1 }}", 3], "b": "{{ 2 + 2 }}"}
    templar = Templar(loader=DataLoader(), variables={})
    assert templar.template(embedded.trusted(value)) == {"a": [2, 3], "b": 4}
    assert templar.template(value) == value
