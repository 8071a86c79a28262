from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No index: whatever would have to be downloaded fails at once."""
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_NO_INDEX": "1",
        "PIP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)


def test_a_venv_is_keyed_by_what_is_in_it(tmp_path: Path) -> None:
    one = venvs.folder(tmp_path, "a\n")
    assert one == venvs.folder(tmp_path, "a\n")
    assert one != venvs.folder(tmp_path, "a\nb\n")
    assert one.is_relative_to(tmp_path)
    assert venvs.listed(["a", "b"]) == "a\nb\n"


def test_a_venv_that_is_there_is_taken_and_half_a_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(venv: Path, requirements: str, say: object) -> None:
        made.append(venv)
        venv.mkdir(parents=True)
        (venv / "requirements.txt").write_text(requirements)

    monkeypatch.setattr(venvs, "_make", make)
    half = venvs.folder(tmp_path, "a\n")
    (half / "lib").mkdir(parents=True)
    assert not venvs.is_made(half)
    assert venvs.ensure(tmp_path, "a\n", print) == (half, True)
    assert venvs.is_made(half)
    assert not (half / "lib").exists()
    assert venvs.ensure(tmp_path, "a\n", print) == (half, False)
    assert made == [half]


def test_a_venv_is_made_of_nothing_but_its_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The upgrade of pip needs an index; that a venv follows is what is looked at.
    said: list[str] = []
    monkeypatch.setenv("PYTHONPATH", "/nowhere/of/the/caller")
    with pytest.raises(SamerunError, match=r"Failed to install .*index reachable\? PIP_INDEX_URL"):
        venvs.ensure(tmp_path, "no-such-package==1\n", said.append)
    venv = venvs.folder(tmp_path, "no-such-package==1\n")
    assert (venv / "bin" / "python").exists()
    assert not venvs.is_made(venv)
    assert "this takes a while once" in said[0]


def test_a_failing_command_says_its_last_words_without_the_callers_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere/of/the/caller")
    script = "import os; print('first'); print(os.environ.get('PYTHONPATH', 'no search path')); raise SystemExit(3)"
    with pytest.raises(SamerunError, match=r"Failed to try: first \| no search path\."):
        venvs._run([sys.executable, "-c", script], print, "try")
