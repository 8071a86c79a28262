"""A new environment gets the pip that its Python brought along, and no other package's settings count for that."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venv_seeds


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a distribution keeps the wheels apart."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / "pip-1.0-py3-none-any.whl").touch()
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _name: str(folder))
    return folder


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    """A uv that notes how it was called, and ends with the code in `$UV_CACHE_DIR`."""
    path = tmp_path / "uv"
    path.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"open({str(tmp_path / 'seen')!r}, 'w').write(json.dumps([sys.argv[1:], dict(os.environ)]))\n"
        "sys.exit(int(os.environ['UV_CACHE_DIR']))\n"
    )
    path.chmod(0o700)
    return path


def test_wheels_are_where_the_distribution_keeps_them(wheels: Path) -> None:
    assert venv_seeds.brought_along() == wheels


def test_a_folder_without_pip_is_passed_by(wheels: Path) -> None:
    next(wheels.iterdir()).unlink()
    assert venv_seeds.brought_along() != wheels


def test_they_are_installed_without_an_index_and_without_what_uv_was_told(
    tmp_path: Path, wheels: Path, uv: Path
) -> None:
    environ = {"PATH": "/bin", "UV_INDEX": "http://index.example", "UV_CACHE_DIR": "0"}
    assert venv_seeds.plant("/venv/python", environ, str(uv))
    arguments, seen = json.loads((tmp_path / "seen").read_text())
    assert arguments[arguments.index("--find-links") + 1] == str(wheels)
    assert arguments[arguments.index("--python") + 1] == "/venv/python"
    assert {"--no-index", "--no-config", "pip"} <= {*arguments}
    assert ("setuptools" in arguments) == (sys.version_info < (3, 12))
    assert ("UV_INDEX" in seen, seen["UV_CACHE_DIR"]) == (False, "0")


def test_whoever_cannot_plant_them_says_so(wheels: Path, uv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not venv_seeds.plant("python", {"UV_CACHE_DIR": "2"}, str(uv))
    assert not venv_seeds.plant("python", {}, "")
    monkeypatch.setattr(venv_seeds, "brought_along", lambda: None)
    assert not venv_seeds.plant("python", {"UV_CACHE_DIR": "0"}, str(uv))
