"""Fixtures that fail a test module if it leaves anything behind; a conftest.py imports them all."""

from __future__ import annotations

from collections.abc import Iterator

import counting
import pytest
import worlds


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose engine does not answer, before the counter or anything else asks that engine."""
    markers = {marker.name for marker in item.iter_markers()}
    for target in sorted(markers & worlds.INVENTORIES.keys()):
        if reason := worlds.no_engine(target):
            pytest.skip(reason)
    counting.use(markers)


@pytest.fixture(scope="session", autouse=True)
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[counting.Counter]:
    """Return the counter; it is made before all other fixtures, so it knows what existed before the tests."""
    with counting.begun(tmp_path_factory.getbasetemp()) as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(counter: counting.Counter, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a module that leaves anything behind, with the names of what it left."""
    with counting.judged(counter, request.node.name):
        yield
