"""What is in the way of a launch is told in one order, whoever asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import preflight
from samerun import submitting, training
from samerun.request import Training
from samerun.silent import Silent
from samerun.variables import Variables

# All that is wrong at once, in the order in which it is told: a variable's wrong value, what is right, and the words.
WRONG: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({"training_target": "nowhere"}, {"training_target": ""}, "training_target is 'nowhere'"),
    ({"mlflow_token": "t"}, {"mlflow_token": ""}, "a user or token is set"),
    ({"object_store_access_key": "a"}, {"object_store_access_key": ""}, "object_store_secret_key"),
    ({"training_volumes": ["x"]}, {"training_volumes": []}, "training_volumes"),
    ({"samerun_store": "external"}, {"samerun_store": "seaweedfs"}, "object_store"),
    ({"training_image": "x"}, {"training_image": ""}, "training_image"),
    ({"training_resources": {"cpu": 1}}, {"training_resources": {}}, "training_resources"),
    ({}, {}, "its seaweedfs is absent"),
)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "train.py"
    path.parent.mkdir()
    path.write_text("print()\n")
    return path


def variables(tmp_path: Path, mended: int) -> Variables:
    wrong = {name: value for given, _right, _words in WRONG for name, value in given.items()}
    right = {name: value for _given, given, _words in WRONG[:mended] for name, value in given.items()}
    return Variables(values={"samerun_state_dir": str(tmp_path / "state"), **wrong, **right})


@pytest.mark.parametrize("mended", range(len(WRONG)), ids=[words for _given, _right, words in WRONG])
def test_of_all_that_is_wrong_the_same_is_told_first_by_train_and_submit(
    tmp_path: Path, script: Path, mended: int
) -> None:
    asked, given = Training(str(script)), variables(tmp_path, mended)
    with pytest.raises(SamerunError) as by_submit:
        submitting.submit(asked, "process", given)
    assert WRONG[mended][2] in str(by_submit.value)
    with pytest.raises(SamerunError) as by_train:
        training.train(asked, "process", given, Silent())
    assert str(by_train.value) == str(by_submit.value)
    assert not (tmp_path / "state" / "runs").exists()


def test_arguments_and_environment_are_data(tmp_path: Path, script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def check(_world: Any, options: Any, **_shown: Any) -> None:
        seen.append((options["args"], options["env"]))
        raise SamerunError("Failed to look: this is far enough.")

    monkeypatch.setattr(preflight, "check", check)
    asked = Training(str(script), ("{{ 1 + 1 }}", "007"), env={"A": "{{ x }}"})
    given = Variables(values={"training_env": {"A": "1", "B": "2"}, "training_args": ["a"]})
    for training_asked in (asked, Training(str(script))):
        with pytest.raises(SamerunError):
            submitting.submit(training_asked, "process", given)
    assert seen == [(["{{ 1 + 1 }}", "007"], {"A": "{{ x }}", "B": "2"}), (["a"], {"A": "1", "B": "2"})]
