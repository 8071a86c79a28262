"""An inventory is read as a play would, and leaves its caller as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import samples
from ansible.utils.display import Display
from world_options import port

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, NO_INPUT, SamerunError
from samerun import resolving
from samerun.variables import Variables


def inventory(folder: Path, text: str) -> str:
    path = folder / "hosts.yml"
    path.write_text(text)
    return str(path)


def process(folder: Path, **variables: str) -> str:
    """An inventory with one world, `w`, of processes."""
    lines = "".join(f"        {name}: {value}\n" for name, value in {"samerun_target": "process", **variables}.items())
    return inventory(folder, f"samerun:\n  hosts:\n    w:\n{lines}")


def test_what_is_given_overrides_the_inventory_and_that_the_defaults(tmp_path: Path) -> None:
    path = process(tmp_path, mlflow_port="'{{ 5000 + 7 }}'", object_store_bucket="theirs")
    (found,) = resolving.resolve(path, Variables(values={"object_store_bucket": "{{ 'mine' }}"}))
    assert (found.world["target"], port(found.world)) == ("process", 5007)
    assert found.world["object_store"]["bucket"] == "mine"
    assert found.training == {}, "nobody asked for a training"


def test_literals_are_data_and_no_templates(tmp_path: Path) -> None:
    script = str(samples.script(tmp_path))
    literals = {"training_script": script, "training_args": ["{{ 1 + 1 }}"], "__samerun_env": {}}
    (found,) = resolving.resolve(process(tmp_path), Variables(literals=literals))
    assert found.training["args"] == ["{{ 1 + 1 }}"]


@pytest.mark.parametrize(
    "text, code, match",
    [
        ("others: {hosts: {x: {}}}\n", NO_INPUT, "names no host in the group samerun"),
        ("samerun: {hosts: {w: {mlflow_prot: 1}}}\n", CONFIG, "Did you mean mlflow_port"),
    ],
    ids=["no world", "misspelt"],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, text: str, code: int, match: str) -> None:
    with pytest.raises(SamerunError, match=match) as caught:
        resolving.resolve(inventory(tmp_path, text), Variables())
    assert caught.value.code == code


def test_the_caller_is_afterwards_as_it_was(tmp_path: Path) -> None:
    environ, folder = dict(os.environ), os.getcwd()
    resolving.resolve(process(tmp_path), Variables())
    assert (dict(os.environ), os.getcwd()) == (environ, folder)
    assert "warning" not in vars(Display()), "it warns again"
