"""What is to be trained becomes variables: the script as data, the rest of them untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, SamerunError
from samerun.request import Training, with_training
from samerun.variables import Variables


def test_a_script_that_is_named_wins_and_is_data(tmp_path: Path) -> None:
    script = samples.script(tmp_path)
    given = Variables(values={"training_script": "other.py"})
    found = with_training(given, Training(str(script), target="docker"))
    assert found.literals == {"training_script": str(script), "training_target": "docker"}
    assert found.values == given.values


def test_arguments_and_environment_are_no_part_of_what_is_read(tmp_path: Path) -> None:
    script = str(samples.script(tmp_path))
    one, other = Training(script), Training(script, args=("{{ a }}",), env={"A": "{{ b }}"}, detach=True)
    assert with_training(Variables(), one) == with_training(Variables(), other)


def test_without_one_it_is_the_inventorys_or_the_one_of_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = samples.script(tmp_path)
    monkeypatch.chdir(script.parent)
    assert with_training(Variables(), Training()).literals["training_script"] == str(script)
    (script.parent / "other.py").write_text("print()\n")
    found = with_training(Variables(values={"training_script": "other.py"}), Training())
    assert found.literals["training_script"] == str(script.parent / "other.py")
    assert "training_target" not in found.literals


def test_the_file_of_the_scripts_project_is_read(tmp_path: Path) -> None:
    script = samples.script(tmp_path)
    own = script.parent / "samerun.yml"
    own.write_text("mlflow_port: 5001\n")
    assert with_training(Variables(), Training(str(script))).files == (own,)


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SamerunError) as caught:
        with_training(Variables(), Training(str(tmp_path / "none.py")))
    assert caught.value.code == NO_INPUT
