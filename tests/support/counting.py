"""What tests leave behind: looked at before the first test of a module and after its last one, and told by name."""

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

SECONDS = 10.0  # what is just ending may take as long: a container that is removed, a pod that the cluster deletes
_PAUSE = 0.2
_SHOWN = 200  # characters of a command line


@dataclass(frozen=True)
class Kept:
    """A world that several modules share.

    Attributes:
        name: its `samerun_world`.
        state: its state folder.
        mlflow: makes a client of its MLflow.
    """

    name: str
    state: Path
    mlflow: Callable[[], Tracking]


class Area(abc.ABC):
    """One kind of place in which something can be left."""

    MARKER: ClassVar[str] = ""  # of tests without which it is not looked at

    @abc.abstractmethod
    def there(self, kept: Collection[Kept]) -> dict[str, str]:
        """Everything of ours, by what tells it from all others, with what a reader knows it by."""


class Processes(Area):
    """Processes that this program started, or whoever it started, however far they have run away.

    Args:
        folder: in which all worlds of this program have their state; the environment of its services says nothing else.
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
    """Compares what is there with what was there before.

    Args:
        areas: where it looks.
        markers: with which tests have come already; see `use`.
    """

    def __init__(self, areas: Collection[Area], markers: Collection[str] = ()) -> None:
        self._areas = areas
        self._kept: dict[str, Kept] = {}
        self._used = {"", *markers}
        self._before: set[str] = set()

    def keep(self, world: Kept) -> None:
        """Take what a world needs for what belongs there, until `forget`."""
        self._kept[world.name] = world

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)

    @contextlib.contextmanager
    def keeping(self, world: Kept) -> Iterator[None]:
        """Keep a world inside the block."""
        self.keep(world)
        try:
            yield
        finally:
            self.forget(world.name)

    def begin(self) -> None:
        """Count what is there from now on only."""
        self._before = set(self._there())

    def use(self, markers: Collection[str]) -> None:
        """Look also where tests with one of `markers` may leave something; what is there by now is not theirs."""
        fresh = [area for area in self._areas if area.MARKER in markers and area.MARKER not in self._used]
        self._used |= {area.MARKER for area in fresh}
        for area in fresh:
            self._before |= set(area.there(self._kept.values()))

    def left(self, seconds: float = SECONDS) -> list[str]:
        """What has come and is still there after at most `seconds`; it is told once."""
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
    """Tell with which markers the next test comes."""
    _used.update(markers)
    for counter in _begun:
        counter.use(markers)


@contextlib.contextmanager
def begun(folder: Path) -> Iterator[Counter]:
    """The counter of this program, made when it is first asked for.

    Args:
        folder: of all that its tests write.
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
    """Fail if anything that comes inside the block stays after it."""
    counter.begin()
    yield
    if left := counter.left():
        pytest.fail("\n- ".join((f"{name} left behind:", *left)), pytrace=False)
