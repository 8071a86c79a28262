from __future__ import annotations

import json

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import callers


def test_what_a_program_set_for_its_play_is_not_inherited() -> None:
    set_for_the_play = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "1", "SAMERUN_CHANNEL": "7"}
    before = {"ANSIBLE_NOCOLOR": None, "ANSIBLE_FORKS": "9", "SAMERUN_CHANNEL": None}
    environ = {"PATH": "/bin", **set_for_the_play, callers.CALLER: json.dumps(before)}
    assert callers.inherited(environ) == {"PATH": "/bin", "ANSIBLE_FORKS": "9"}


@pytest.mark.parametrize("name", ["AWS_PROFILE", "MLFLOW_RUN_ID", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"])
def test_a_callers_variables_are_not_inherited(name: str) -> None:
    assert callers.inherited({name: "x", "PATH": "/bin", "MY_AWS_KEY": "mine"}) == {
        "PATH": "/bin",
        "MY_AWS_KEY": "mine",
    }
