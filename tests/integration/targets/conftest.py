"""Fixtures: launches that several tests share."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import difficult
import engines
import launches
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.world import World

REQUIREMENTS = worlds.ROOT / "trainer" / "requirements.txt"
PROXY = "http://127.0.0.1:1"
Launch = Callable[..., launches.Launched]


@dataclass(frozen=True)
class Probed:
    """One launch of the probe script with all difficult values at once, and its input."""

    given: Mapping[str, Any]
    launched: launches.Launched
    project: Path

    @property
    def dump(self) -> dict[str, Any]:
        return self.launched.dump


@pytest.fixture(scope="session")
def exact() -> dict[str, str]:
    return difficult.values()


@pytest.fixture(scope="session")
def trainer() -> dict[str, Any]:
    """Return the options for the trainer's environment, which is made once and is the same on every target."""
    return {"requirements": str(REQUIREMENTS)}


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a separate temporary folder for everything that the test does; return it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project folder with the probe script."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(difficult.PROBE, folder)
    return folder


@pytest.fixture
def launch(world: World, project: Path, trainer: dict[str, Any]) -> Launch:
    """Return a function that launches the probe script: `plan` says what it does, the rest are training options."""

    def run(plan: Mapping[str, Any] | None = None, *, on: World | None = None, **given: Any) -> launches.Launched:
        env = {**given.pop("env", {}), "PROBE": json.dumps(plan or {})}
        return launches.launch(on or world, **{"script": str(project / "probe.py"), **trainer, **given, "env": env})

    return run


@pytest.fixture
def engine(world: World) -> engines.Engine:
    return engines.engine_of(world)


@pytest.fixture(scope="session")
def probed(
    real: worlds.RealWorld, exact: dict[str, str], trainer: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Probed:
    """See `Probed`."""
    project = difficult.project(tmp_path_factory.mktemp("difficult"))
    given = {
        "script": str(project / "probe.py"),
        "args": list(exact.values()),
        # A proxy that does not exist: a request through it for a service of the world fails.
        "env": {
            **{f"EXACT_{number}": value for number, value in enumerate(exact.values())},
            "HTTP_PROXY": PROXY,
            "http_proxy": PROXY,
            "NO_PROXY": "of-the-user.example",
        },
        "secret_env": {f"SECRET_{number}": value for number, value in enumerate(exact.values())},
        "name": "Exact_Values ü",
        **trainer,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in difficult.FOREIGN.items():
            patch.setenv(name, value)
        return Probed(given, launches.launch(real.world, **given), project)
