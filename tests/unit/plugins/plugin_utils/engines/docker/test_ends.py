"""Why a container ended, by what its engine knows."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import fakes_docker
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import ends, words

NAME = "training-x"
START = {"id": f"id of {NAME}", "Action": "start"}


def ended(events: tuple[str, ...] = (), said: bytes = b"", started_here: bool = True, **state: Any) -> Any:
    """A container that has ended, whose engine remembers `events` of it."""
    docker = fakes_docker.FakeDocker()
    docker.add("container", name=NAME, status="exited", **state)
    docker.add("image", name="trainer", Id="id of the image", Architecture="arm64")
    docker.fake.said = said
    docker.fake.happened = [{"id": f"id of {NAME}", "Action": action} for action in events]
    docker.fake.happened += [START] if started_here else []
    return docker.containers.get(NAME)


@pytest.mark.parametrize(
    "given, end",
    [
        ({"ExitCode": 137, "OOMKilled": True}, ends.OUT_OF_MEMORY),
        ({"ExitCode": 137, "events": ("kill", "stop", "die")}, ends.STOPPED),
        ({"ExitCode": 137, "events": ("kill", "die")}, ends.KILLED),
        ({"ExitCode": 137, "events": ("die",)}, ends.HOST),
        ({"ExitCode": 255, "started_here": False}, ends.RESTARTED),
        ({"ExitCode": 1, "said": b"OSError: No space left on device"}, ends.FULL_DISK),
    ],
    ids=["out of memory", "docker stop", "docker kill", "by its host", "engine restarted", "full disk"],
)
def test_the_end_of_a_container_without_a_report(given: dict[str, Any], end: ends.End) -> None:
    assert ends.end_of(ended(**given)) == end


def test_an_image_of_another_processor_is_named_beside_the_engines() -> None:
    found = ends.end_of(ended(ExitCode=1, Error="exec format error"))
    assert "for linux/arm64, and the engine runs on linux/amd64" in found.reason
    assert found.hint == words.ARCHITECTURE.hint


def test_an_interpreter_that_the_image_lacks_is_a_setting_to_mend() -> None:
    found = ends.end_of(ended(ExitCode=127, Error="no such file"))
    assert (found.state, found.reason) == (RunState.FAILED, "The image could not start it: no such file.")
    assert "training_python" in found.hint


def test_any_other_code_is_told_as_it_is() -> None:
    assert "exit code 3" in ends.end_of(ended(ExitCode=3)).reason


@pytest.mark.parametrize("limit", [False, True])
def test_a_script_that_the_kernel_killed_for_memory_says_so_unless_its_time_was_over(limit: bool) -> None:
    report = {"signal": 9, "reason": "It took longer than its time limit." if limit else "It was ended by SIGKILL."}
    found = ends.corrected(ended(OOMKilled=True), report, cancelled=False)
    assert (found["reason"] == ends.OUT_OF_MEMORY.reason) is not limit


TERMINATED = {"reason": "Cancelled by SIGTERM.", "state": "KILLED"}


@pytest.mark.parametrize(
    "cancelled, events, started_here, reason",
    [
        (True, ("kill", "stop", "die"), True, TERMINATED["reason"]),
        (False, ("kill", "stop", "die"), True, ends.STOPPED.reason),
        (False, ("kill", "die"), True, TERMINATED["reason"]),
        (False, (), True, ""),
        (False, ("die",), False, ""),
    ],
    ids=["by samerun", "by docker stop", "by docker kill", "with its engine", "with its engine, which is back"],
)
def test_a_script_that_was_terminated_was_cancelled_only_if_somebody_cancelled_it(
    cancelled: bool, events: tuple[str, ...], started_here: bool, reason: str
) -> None:
    found = ends.corrected(ended(events, started_here=started_here), TERMINATED, cancelled=cancelled)
    assert found.get("reason", "") == reason


@pytest.mark.parametrize("started_here, end", [(False, ends.RESTARTED), (True, ends.OUTSIDE)])
def test_a_container_that_was_lost_went_with_its_engine(started_here: bool, end: ends.End) -> None:
    assert ends.lost(ended(started_here=started_here)) == end


def test_an_engine_that_remembers_too_little_is_not_taken_for_a_new_one() -> None:
    container = ended(started_here=False)
    container.client.fake.happened = [{"id": "another", "Action": "start"}] * 256
    assert ends.lost(container) == ends.OUTSIDE


def test_an_engine_that_went_away_knows_no_events(monkeypatch: pytest.MonkeyPatch) -> None:
    container = ended(("kill", "die"), ExitCode=137)

    def away(**_given: Any) -> Any:
        raise fakes_docker.refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "it ends")

    monkeypatch.setattr(container.client.api, "events", away)
    assert ends.end_of(container) == ends.HOST
