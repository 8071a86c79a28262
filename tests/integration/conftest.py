"""Real worlds, one for each target, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=getattr(pytest.mark, name), id=name) for name in TARGETS]
)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.RealWorld]:
    """A world whose services run where `real.target` says; a test that takes it runs once for each target."""
    if reason := worlds.missing(request.param):
        pytest.skip(reason)
    found = worlds.set_up(request.param, tmp_path_factory.mktemp(request.param))
    yield found
    worlds.tear_down(found)


@pytest.fixture
def world(real: worlds.RealWorld) -> World:
    return real.world


@pytest.fixture(scope="session")
def probe_script() -> Path:
    """A script that tells what it sees; see its docstring."""
    return Path(__file__).parent / "data" / "probe.py"
