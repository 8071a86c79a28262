"""Why a container ended is told by its state, its engine's events and the report's cause."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import ends

TIMES = {"StartedAt": "2026-01-01T00:00:00Z", "FinishedAt": "2026-01-01T00:00:05Z"}


def container(code: int = 0, *actions: str, said: str = "", restarted: bool = False, **state: Any) -> Any:
    """One that ended; its engine knows its start unless it was started again since."""
    begun = [] if restarted else [{"id": "x", "Action": "start"}]

    def events(**asked: Any) -> list[dict[str, str]]:
        return [{"Action": action} for action in actions] if "filters" in asked else begun

    platform = {"Os": "linux", "Architecture": "arm64"}
    client = SimpleNamespace(
        api=SimpleNamespace(events=events), info=lambda: {"SystemTime": "2026-01-01T00:01:00Z"},
        images=SimpleNamespace(get=lambda _image: SimpleNamespace(attrs=platform)),
        version=lambda: {"Os": "linux", "Arch": "amd64"},
    )  # fmt: skip
    attrs = {"State": {"ExitCode": code, **TIMES, **state}, "Image": "image"}
    return SimpleNamespace(id="x", attrs=attrs, client=client, logs=lambda **_asked: said.encode())


ENDS: dict[str, tuple[Any, RunState, Cause, str]] = {
    "out of memory": (container(137, OOMKilled=True), RunState.FAILED, Cause.OUT_OF_MEMORY, "the kernel stopped it"),
    "stopped by hand": (container(137, "stop", "die"), RunState.KILLED, Cause.TAKEN_AWAY, "docker stop"),
    "killed by hand": (container(137, "kill", "die"), RunState.KILLED, Cause.TAKEN_AWAY, "docker kill"),
    "killed by nobody": (container(137, "die"), RunState.KILLED, Cause.TAKEN_AWAY, "its host or the engine itself"),
    "with its engine": (container(255, restarted=True), RunState.KILLED, Cause.TAKEN_AWAY, "started again since"),
    "full disk": (container(1, said="no space left on device"), RunState.FAILED, Cause.UNSTARTABLE, "disk"),
    "for another processor": (
        container(1, said="exec format error"), RunState.FAILED, Cause.UNSTARTABLE,
        "it is for linux/arm64, and the engine runs on linux/amd64",
    ),
    "no such interpreter": (container(127), RunState.FAILED, Cause.UNSTARTABLE, "no such interpreter"),
    "without a word": (container(1), RunState.FAILED, Cause.UNKNOWN, "exit code 1 and left no report"),
}  # fmt: skip


@pytest.mark.parametrize("how", ENDS)
def test_a_container_without_a_report_ended_for_a_cause(how: str) -> None:
    given, state, cause, words = ENDS[how]
    found = ends.end_of(given)
    assert (found.state, found.why.cause) == (state, cause)
    assert words in found.why.reason
    assert found.facts == {"state": state.value, **found.why.facts}


def test_one_that_we_signalled_was_cancelled() -> None:
    assert ends.cancelled(2).why == causes.cancelled(2)


def report(why: causes.Why, **more: Any) -> dict[str, Any]:
    return {"exit_code": 143, "state": "KILLED", **why.facts, **more}


CANCELLED = report(causes.cancelled(15))
# Of a shim of the version before, whose launch still went on.
OLD = {key: value for key, value in CANCELLED.items() if key not in ("cause", "cancelled_by")}


@pytest.mark.parametrize("told", [CANCELLED, OLD], ids=["with its cause", "of the version before"])
def test_a_signal_that_was_not_ours_is_the_engines(told: dict[str, Any]) -> None:
    by_hand = ends.corrected(container(143, "kill", "stop", "die"), told, cancelled=False)
    assert (by_hand["cause"], by_hand["cancelled_by"], by_hand["reason"]) == (
        Cause.TAKEN_AWAY, "", "The container was stopped by hand (docker stop).",
    )  # fmt: skip
    assert ends.corrected(container(143, "kill", "die"), told, cancelled=False) == told
    assert ends.corrected(container(143), told, cancelled=False) == {}, "it is forgotten: the engine was started again"
    assert ends.corrected(container(143, "kill", "stop", "die"), told, cancelled=True) == told


def test_a_ctrl_c_is_a_persons() -> None:
    told = report(causes.cancelled(2))
    assert ends.corrected(container(130, "stop", "die"), told, cancelled=False) == told


def test_a_report_does_not_know_of_the_kernels_kill_unless_it_killed_itself() -> None:
    out_of_memory = container(137, OOMKilled=True)
    killed = report(causes.ended("train.py", -9), signal=9)
    found = ends.corrected(out_of_memory, killed, cancelled=False)
    assert (found["cause"], found["state"], found["exit_code"]) == (Cause.OUT_OF_MEMORY, "FAILED", 143)
    timed_out = report(causes.timed_out("train.py", 2), signal=9)
    assert ends.corrected(out_of_memory, timed_out, cancelled=False) == timed_out
    named = report(causes.ended("time limit.py", -9), signal=9)
    assert ends.corrected(out_of_memory, named, cancelled=False)["cause"] == Cause.OUT_OF_MEMORY
