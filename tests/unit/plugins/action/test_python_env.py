"""A virtual environment is made once for a list of requirements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import pytest

from ansible_collections.samerun.stack.plugins.action import python_env
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(python_env, "user_cache_path", lambda _name: tmp_path)
    return tmp_path


def act(*, check: bool = False) -> dict[str, Any]:
    return acting.act(python_env, {"requirements": ["mlflow", "boto3"]}, check=check).result


def test_it_says_whether_the_environment_was_made_now(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venvs, "ensure", lambda *_given: (cache / "made", True))
    assert act() == {"changed": True, "path": str(cache / "made")}
    monkeypatch.setattr(venvs, "ensure", lambda *_given: (cache / "made", False))
    assert not act()["changed"]


@pytest.mark.parametrize("there", [True, False])
def test_check_mode_makes_none_and_names_its_folder(cache: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(venvs, "is_made", lambda _venv: there)
    monkeypatch.setattr(venvs, "ensure", lambda *_given: pytest.fail("it made one"))
    found = act(check=True)
    assert found["changed"] is not there
    assert Path(found["path"]).is_relative_to(cache)
