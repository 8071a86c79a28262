"""A launch that was submitted in part is removed, or its user is told that it may run."""

from __future__ import annotations

import time
from pathlib import Path

import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.taking_back import taken_back

AWAY = SamerunError("Failed to talk to it: nothing answers.", "", UNAVAILABLE)


class Again(fakes.FakeTarget):
    """Each one that is made is remembered; the engine of all is away for as many calls as `away` says."""

    made: list[Again] = []  # noqa: RUF012 - cleared by the fixture
    away = 0

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.made.append(self)

    def remove(self, launch: str) -> None:
        if len(self.made) - 1 <= Again.away:
            raise AWAY
        super().remove(launch)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Again:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(Again, "away", 0)
    Again.made.clear()
    return Again(samples.world(tmp_path))


def fails(target: Again, error: BaseException) -> None:
    with taken_back(target, samples.LAUNCH):
        raise error


def test_what_went_well_stays(target: Again) -> None:
    with taken_back(target, samples.LAUNCH):
        pass
    assert Again.made == [target]


@pytest.mark.parametrize("error", [SamerunError("Failed to start it."), KeyboardInterrupt(), ValueError("a defect")])
def test_what_failed_is_removed_and_its_error_goes_on(target: Again, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        fails(target, error)
    assert caught.value is error
    assert Again.made[1].asked == [f"remove {samples.LAUNCH}", "close"], "over a connection of its own"


def test_a_link_that_is_back_in_a_moment_is_tried_again(target: Again, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Again, "away", 3)
    with pytest.raises(ValueError, match="a defect"):
        fails(target, ValueError("a defect"))
    assert [len(one.asked) for one in Again.made[1:]] == [1, 1, 1, 2]


@pytest.mark.parametrize(
    "error, said",
    [
        (SamerunError("Failed to start it."), "Failed to start it. It could not be taken back."),
        (KeyError("x"), f"Failed to start {samples.LAUNCH}: KeyError('x'). It could not be taken back."),
    ],
)
def test_what_cannot_be_removed_is_told_with_how_to_end_it(
    target: Again, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(Again, "away", 1000)
    with pytest.raises(SamerunError) as caught:
        fails(target, error)
    assert (caught.value.message, caught.value.code) == (said, UNAVAILABLE)
    assert f"samerun cancel {samples.LAUNCH}" in caught.value.hint
