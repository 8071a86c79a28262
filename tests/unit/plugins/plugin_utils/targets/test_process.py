"""How a process ended whose shim left no report."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.process import ProcessTarget


@pytest.fixture
def target(tmp_path: Path) -> ProcessTarget:
    endpoint = Endpoint("x", "x", "process", "x", 1)
    return ProcessTarget(
        World("w", "process", tmp_path, endpoint, endpoint, "bucket", "region", "access", "secret key")
    )


MOUNTS = "Failed to show /a at /data to the script: this system allows no private mounts (x). Make a link instead: ln"


@pytest.mark.parametrize(
    "log, reason",
    [
        ("", "The run's interpreter ended before the run began, without a word."),
        ("one\n  no licence found.\n\n", "The run's interpreter ended before the run began: no licence found."),
        (f"samerun: {MOUNTS}\n", MOUNTS),
    ],
)
def test_one_that_never_began_failed_and_its_last_line_says_why(target: ProcessTarget, log: str, reason: str) -> None:
    folder = target._folder("the-launch")
    (folder / "log.txt").write_text(log)
    ended = target.outcome("the-launch")
    assert ended is not None
    assert (ended.state, ended.exit_code, ended.reason) == (RunState.FAILED, None, reason)
    assert ended.hint
    assert not ended.lost


def test_one_that_began_and_left_nothing_was_killed(target: ProcessTarget) -> None:
    folder = target._folder("the-launch")
    (folder / "log.txt").write_text("one\n")
    (folder / "report.json.part").touch()
    ended = target.outcome("the-launch")
    assert ended is not None
    assert (ended.state, ended.lost) == (RunState.KILLED, True)
    target.remove("the-launch")
    assert [path.name for path in folder.iterdir()] == ["log.txt"]
