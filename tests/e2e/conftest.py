"""Fixtures: one world for each target, with the names that users have, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import counted
import counting
import pytest
from tours import Tour, Tours

TARGETS = ("process", "docker", "kubernetes")
pytest_runtest_setup = counted.pytest_runtest_setup
counter, nothing_is_left = counted.counter, counted.nothing_is_left


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run molecule last: its scenarios need the names of the worlds, and setting up a world twice is slow."""
    here = Path(__file__).parent
    items.sort(key=lambda item: (here not in item.path.parents, item.get_closest_marker("molecule") is not None))


@pytest.fixture(scope="session")
def tours(tmp_path_factory: pytest.TempPathFactory, counter: counting.Counter) -> Iterator[Tours]:
    """Return the worlds that are up; a test that needs their names ends them first."""
    found = Tours(tmp_path_factory.mktemp("worlds"), counter)
    yield found
    for target in TARGETS:
        found.end(target)


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in TARGETS])
def tour(request: pytest.FixtureRequest, tours: Tours) -> Tour:
    """Return a world on each target, with what was observed while it was set up."""
    return tours.of(request.param)
