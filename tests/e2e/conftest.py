"""One world for each target, under the users' own names, for the whole session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import counting
import pytest
from tours import Tour, Tours

TARGETS = ("process", "docker", "kubernetes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Molecule comes last here: its scenarios need the names of the worlds, which are slow to set up twice."""
    here = Path(__file__).parent
    items.sort(key=lambda item: (here not in item.path.parents, item.get_closest_marker("molecule") is not None))


def pytest_runtest_setup(item: pytest.Item) -> None:
    counting.use({marker.name for marker in item.iter_markers()})


@pytest.fixture(scope="session", autouse=True)
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[counting.Counter]:
    """Knows what there was before; made before anything that a test asks for."""
    with counting.begun(tmp_path_factory.getbasetemp()) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(counter: counting.Counter, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a module that leaves anything behind, with the names of what it left."""
    with counting.judged(counter, request.node.name):
        yield


@pytest.fixture(scope="session")
def tours(tmp_path_factory: pytest.TempPathFactory, counter: counting.Counter) -> Iterator[Tours]:
    """The worlds that are up; a test that needs their names itself ends them first."""
    found = Tours(tmp_path_factory.mktemp("worlds"), counter)
    yield found
    for target in TARGETS:
        found.end(target)


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in TARGETS])
def tour(request: pytest.FixtureRequest, tours: Tours) -> Tour:
    """A world on each target, and what was seen while it was set up."""
    return tours.of(request.param)
