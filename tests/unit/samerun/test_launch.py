"""A launch in the hands of a program holds nothing open between its methods."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.attach import Attached
from samerun.launch import Launch


@pytest.fixture
def target(tmp_path: Path) -> fakes.FakeTarget:
    found = fakes.FakeTarget(samples.world(tmp_path, mlflow={"endpoint": "http://127.0.0.1:1"}))
    found.logs[samples.LAUNCH] = b"one\ntwo\n"
    return found


def launch(target: fakes.FakeTarget, state: RunState | None = None) -> Launch:
    return Launch(Attached(target.world, target.add(state=state), target))


def test_a_launch_says_which_one_it_is_without_an_engine(target: fakes.FakeTarget) -> None:
    found = launch(target)
    target.problem = SamerunError("Failed to talk to it.", "", UNAVAILABLE)
    assert (found.id, repr(found)) == (samples.LAUNCH, f"Launch({samples.LAUNCH!r})")


@pytest.mark.parametrize(
    "use",
    [lambda found: found.state, lambda found: found.logs(), lambda found: list(found.follow()), lambda f: f.wait(5)],
    ids=["state", "logs", "follow", "wait"],
)
def test_every_method_closes_what_it_has_opened(target: fakes.FakeTarget, use: Callable[[Launch], object]) -> None:
    use(launch(target, RunState.FINISHED))
    assert target.asked[-1] == "close"


def test_a_method_that_fails_closes_too(target: fakes.FakeTarget) -> None:
    found = launch(target)
    target.problem = SamerunError("Failed to talk to it.", "", UNAVAILABLE)
    with pytest.raises(SamerunError, match="Failed to talk"):
        found.logs()
    assert target.asked == ["close"]


def test_its_record_is_complete_once_it_has_ended(target: fakes.FakeTarget) -> None:
    assert launch(target).state is RunState.RUNNING
    target.known.clear()
    ended = launch(target, RunState.FINISHED)
    assert ended.wait(5).state is RunState.FINISHED
    assert ended.logs() == b"one\ntwo\n"


def test_one_that_goes_on_is_waited_for_only_so_long(target: fakes.FakeTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attach, "_POLL", 0.01)
    with pytest.raises(SamerunError, match="still goes on"):
        launch(target).wait(0.01)
