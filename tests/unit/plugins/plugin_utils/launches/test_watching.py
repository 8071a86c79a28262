"""Who starts a launch and watches it loses neither a signal nor a line."""

from __future__ import annotations

import signal
from pathlib import Path

import fakes
import samples

from ansible_collections.samerun.stack.plugins.module_utils.launch_folder import LaunchFolder
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import watching

LAUNCH = "x-20260101-000000-abcd"


class Target(fakes.FakeTarget):
    """Takes signals."""

    def __init__(self, state: Path) -> None:
        super().__init__(samples.world(state))
        self.got: list[tuple[str, int]] = []

    def cancel(self, launch: str, number: int) -> None:
        self.got.append((launch, number))


def test_a_signal_that_comes_too_early_waits_until_the_launch_is_submitted(tmp_path: Path) -> None:
    target = Target(tmp_path)
    pending = watching.PendingSignals(target, LAUNCH)
    assert not pending.cancelled
    pending.take(signal.SIGINT)
    assert (pending.cancelled, target.got) == (True, [])
    pending.submitted()
    assert target.got == [(LAUNCH, signal.SIGINT)]
    pending.take(signal.SIGTERM)
    assert target.got == [(LAUNCH, signal.SIGINT), (LAUNCH, signal.SIGTERM)]


def test_a_log_that_is_read_from_its_start_again_is_shown_and_kept_once(tmp_path: Path) -> None:
    shown: list[bytes] = []
    log = watching.LogKeeper(LaunchFolder(tmp_path), shown.append)
    log.take([b"one\n", b"tw"])
    log.take([b"one\ntwo\n", b"three\n"])
    assert not (tmp_path / "log.txt").exists(), "who is killed here leaves it to the next one"
    log.end()
    assert b"".join(shown) == (tmp_path / "log.txt").read_bytes() == b"one\ntwo\nthree\n"
    assert [path.name for path in tmp_path.iterdir()] == ["log.txt"]
    assert log.first > 0
