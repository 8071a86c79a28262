"""Finds what tests leave behind: lists objects before the first test of a module and after its last one."""

from __future__ import annotations

import abc
import contextlib
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

SECONDS = 10.0  # the end of an object may take as long, such as the removal of a container or pod
_PAUSE = 0.2
_SHOWN = 200  # characters of a command line


@dataclass(frozen=True)
class Kept:
    """A world that several modules share.

    Attributes:
        name: its `samerun_world`.
        state: its state folder.
        mlflow: makes a client for its MLflow.
    """

    name: str
    state: Path
    mlflow: Callable[[], Tracking]


class Area(abc.ABC):
    """One kind of place in which tests can leave something."""

    MARKER: ClassVar[str] = ""  # only after a test with this marker is the area checked

    @abc.abstractmethod
    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        """Return all objects of samerun in this area: a unique key of each, and its name for a reader."""


class Processes(Area):
    """All processes that this program or its children started, even those that were detached.

    Args:
        folder: the folder with the state of all worlds of this program; it identifies the processes of services.
    """

    VARIABLE = "SAMERUN_TEST_PROGRAM"

    def __init__(self, folder: Path) -> None:
        mark = uuid.uuid4().hex
        os.environ[self.VARIABLE] = mark
        self._signs = (mark, f"{folder}/")
        me = psutil.Process()
        self._not = {me.pid, *(parent.pid for parent in me.parents())}

    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        services = [f"{world.state}/{part}" for world in kept for part in ("services", "forward")]
        children = {child.pid for child in psutil.Process().children(recursive=True)}
        found = {}
        for process in psutil.process_iter(["cmdline", "create_time", "environ", "name"]):
            if process.pid in self._not:
                continue
            words, environ = process.info["cmdline"] or [], process.info["environ"] or {}
            text = "\0".join((*words, *environ.values()))
            ours = process.pid in children or any(sign in text for sign in self._signs)
            if ours and not any(service in text for service in services):
                named = " ".join(words)[:_SHOWN] or f"[{process.info['name']}]"
                launch = f" of launch {environ['SAMERUN_LAUNCH']}" if "SAMERUN_LAUNCH" in environ else ""
                found[f"process {process.pid} {process.info['create_time']}"] = (
                    f"process {process.pid}{launch}: {named}"
                )
        return found


class Counter:
    """Compares the objects that exist now with those that existed before.

    Args:
        areas: the areas to check.
        markers: the markers of the tests so far; see `use`.
    """

    def __init__(self, areas: Collection[Area], markers: Collection[str] = ()) -> None:
        self._areas = areas
        self._kept: dict[str, Kept] = {}
        self._used = {"", *markers}
        self._before: set[str] = set()

    def keep(self, world: Kept) -> None:
        """Allow the objects of a world, until `forget`."""
        self._kept[world.name] = world

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)

    @contextlib.contextmanager
    def keeping(self, world: Kept) -> Iterator[None]:
        """Allow the objects of a world inside the block."""
        self.keep(world)
        try:
            yield
        finally:
            self.forget(world.name)

    def begin(self) -> None:
        """Start to count: objects that exist now are not counted."""
        self._before = set(self._there())

    def use(self, markers: Collection[str]) -> None:
        """Check also the areas of tests with one of `markers`; objects that exist there now are not counted."""
        fresh = [area for area in self._areas if area.MARKER in markers and area.MARKER not in self._used]
        self._used |= {area.MARKER for area in fresh}
        for area in fresh:
            self._before |= set(area.there(self._kept.values()))

    def left(self, seconds: float = SECONDS) -> list[str]:
        """Return the new objects that still exist after at most `seconds`; each object is returned only once."""
        deadline = time.monotonic() + seconds
        while True:
            now = self._there()
            found = {key: name for key, name in now.items() if key not in self._before}
            if not found or time.monotonic() > deadline:
                self._before = set(now)
                return sorted(found.values())
            time.sleep(_PAUSE)

    def _there(self) -> dict[str, str]:
        used = [area for area in self._areas if area.MARKER in self._used]
        return {key: name for area in used for key, name in area.there(self._kept.values()).items()}


_begun: list[Counter] = []
_used: set[str] = set()


def use(markers: Collection[str]) -> None:
    """Tell the counter the markers of the next test."""
    _used.update(markers)
    for counter in _begun:
        counter.use(markers)


@contextlib.contextmanager
def begun(folder: Path) -> Iterator[Counter]:
    """Yield the counter of this program; the first call makes it.

    Args:
        folder: the folder into which all its tests write.
    """
    if _begun:
        yield _begun[0]
        return
    from counting_engines import ClusterObjects, DockerObjects, OpenRuns
    from counting_files import LaunchFiles, TemporaryFiles, temporary

    with temporary() as place:
        areas = (TemporaryFiles(place), LaunchFiles(), OpenRuns(), DockerObjects(), ClusterObjects())
        _begun.append(Counter([Processes(folder), *areas], _used))
        try:
            yield _begun[0]
        finally:
            _begun.clear()


@contextlib.contextmanager
def judged(counter: Counter, name: str) -> Iterator[None]:
    """Fail if any object that appears inside the block still exists after it."""
    counter.begin()
    yield
    if left := counter.left():
        pytest.fail("\n- ".join((f"{name} left behind:", *left)), pytrace=False)
