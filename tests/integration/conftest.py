"""Fixtures: real worlds, one for each target, for the whole session."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import counted
import counting
import engines
import pytest
import worlds
from typed import Place

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow
from samerun import scratch

pytest_runtest_setup = counted.pytest_runtest_setup
counter, nothing_is_left = counted.counter, counted.nothing_is_left


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=getattr(pytest.mark, name), id=name) for name in TARGETS]
)
def real(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, counter: counting.Counter
) -> Iterator[worlds.RealWorld]:
    """Yield a world whose services run on `real.target`; a test with this fixture runs once for each target."""
    if reason := worlds.missing(request.param):
        pytest.skip(reason)
    found = worlds.set_up(request.param, tmp_path_factory.mktemp(request.param))
    with counter.keeping(counting.Kept(found.world.name, found.world.state, lambda: mlflow.tracking(found.world))):
        yield found
    worlds.tear_down(found)


@pytest.fixture
def world(real: worlds.RealWorld) -> World:
    return real.world


@pytest.fixture(scope="session")
def probe_script() -> Path:
    """Return a script that prints what it sees; see its docstring."""
    return Path(__file__).parent / "data" / "probe.py"


@pytest.fixture(scope="module")
def place(real: worlds.RealWorld, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return the place in which a user types commands for this world; the id of each test has its target."""
    folder = tmp_path_factory.mktemp("place")
    given = {**variables(real), "samerun_state_dir": real.variables["samerun_state_dir"]}
    (folder / "samerun.json").write_text(json.dumps(given))
    inventory = worlds.INVENTORIES[real.target]
    return Place(folder, folder / "unused", ("-i", inventory, "-e", f"@{folder / 'samerun.json'}"))


@pytest.fixture(scope="module")
def elsewhere(real: worlds.RealWorld, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a place on a second machine: the same engine, and a separate state folder if the engine is shared."""
    if not engines.engine_of(real.world).SHARED:
        return place
    folder = tmp_path_factory.mktemp("elsewhere")
    given = {**variables(real), "samerun_state_dir": str(folder / "state")}
    (folder / "samerun.json").write_text(json.dumps(given))
    return Place(folder, folder / "unused", (*place.inventory[:2], "-e", f"@{folder / 'samerun.json'}"))


def variables(real: worlds.RealWorld) -> dict[str, Any]:
    requirements = str(worlds.ROOT / "trainer" / "requirements.txt")
    return {**real.variables, "training_requirements": requirements}


@pytest.fixture(scope="module")
def swept() -> Iterator[None]:
    """After tests that kill a command, remove the folders of its plays; else a play a minute later would do so."""
    yield
    for folder in Path(tempfile.gettempdir()).glob("samerun-play-*"):
        os.utime(folder, (0, 0))
    with scratch.scratch():
        pass


@pytest.fixture
def nothing_goes_on(real: worlds.RealWorld) -> Iterator[None]:
    """End what a failed test left running, so that it does not disturb other tests."""
    yield
    with contextlib.suppress(SamerunError):
        for record in collector.collect(real.world)[1]:
            for target in collector.targets(real.world):
                if record.target == target.NAME:
                    target.remove(record.launch) if target.NAME != "process" else target.cancel(record.launch, 9)
