"""What a follower sees of a launch on a cluster whose connections break."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import urllib3

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError, GoneError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import follow
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import view as kubernetes_view
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.follow import Follower
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.view import JobView

WHOLE = b"2026-01-01T00:00:01.1Z one\n2026-01-01T00:00:02.2Z two\n2026-01-01T00:00:03.3Z three\n"
ALL = len(WHOLE)
SHOWN = b"one\ntwo\nthree\n"
CUT = urllib3.exceptions.ProtocolError("Connection broken")
SILENT = urllib3.exceptions.ReadTimeoutError(None, "", "Read timed out.")  # type: ignore[arg-type] # no pool here
REST: list[tuple[int, Exception | None]] = [(ALL, None)] * 3
RUNNING: dict[str, Any] = {"running": {}}
FINISHED = {"terminated": {"exitCode": 0, "message": json.dumps({"exit_code": 0, "state": "FINISHED"})}}
KILLED = {"terminated": {"exitCode": 137}}
POLICY = {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [137, 143]}}]}


def pod(number: int, state: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": f"pod-{number}", "uid": str(number), "creationTimestamp": f"2026-01-01T00:0{number}:00Z"}
    ready = [{"type": "Ready", "status": "True"}]
    status = {"containerStatuses": [{"name": "training", "state": state}], "conditions": ready}
    return {"metadata": metadata, "spec": {"nodeName": "node-1"}, "status": status}


class Fake(Cluster):
    """A cluster that goes through `states`, one with each wait, and whose logs go through `connections`.

    Args:
        states: lists of pods, or what the API server answers instead of them.
        connections: how many bytes come over each connection for a log, and how it ends.
    """

    def __init__(self, states: list[Any], connections: list[tuple[int, Exception | None]]) -> None:
        self.states, self.connections = states, connections
        self.deleted: list[dict[str, Any]] = []

    def listed(self, kind: str, namespace: str = "", **selectors: str) -> tuple[list[dict[str, Any]], str]:
        if isinstance(self.states[0], Exception):
            raise self.states.pop(0)
        return self.states[0], "1"

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        return []

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        return {"metadata": {"name": name}, "spec": {"podFailurePolicy": POLICY}}

    def watch(
        self, kind: str, namespace: str, version: str, seconds: int, **selectors: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        if seconds == kubernetes_view._FIRST_SECONDS:
            yield from (("DELETED", found) for found in self.deleted)
        elif len(self.states) > 1:
            self.states.pop(0)

    def log(
        self, pod: str, namespace: str, query: Mapping[str, str] | None = None, *, seconds: float = 0
    ) -> Iterator[bytes]:
        length, error = self.connections.pop(0)
        since = (query or {}).get("sinceTime", "").encode()[:19]
        yield b"".join(line for line in WHOLE.splitlines(keepends=True) if line[:19] >= since)[:length]
        if error:
            raise error


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_PAUSES", (0.0,))


def followed(states: list[Any], connections: list[tuple[int, Exception | None]]) -> tuple[bytes, Follower, list[str]]:
    said: list[str] = []
    follower = Follower(JobView(Fake(states, connections), "training", "launch"), said.append)
    return b"".join(follower), follower, said


CONNECTIONS: dict[str, list[tuple[int, Exception | None]]] = {
    "at once": [(ALL, None)],
    "nothing while it ran": [(0, None)],
    "cut in a line": [(40, CUT), (10, CUT)],
    "silent": [(20, SILENT), (60, SILENT), (3, SILENT)],
    "no way to the node": [(0, ApiError(500, "dial tcp")), (30, None)],
}


@pytest.mark.parametrize("how", CONNECTIONS)
def test_the_whole_log_is_shown_once_whatever_becomes_of_connections(how: str) -> None:
    connections = CONNECTIONS[how]
    running: list[Any] = [[pod(1, RUNNING)] for _one in connections]
    log, follower, _said = followed([*running, [pod(1, FINISHED)]], [*connections, *REST])
    assert log == SHOWN
    assert follower.ended is not None
    assert follower.ended.state is RunState.FINISHED


def test_a_cluster_that_is_gone_for_a_while_ends_nothing() -> None:
    gone = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type] # no pool here
    states = [gone, gone, [pod(1, RUNNING)], ApiError(503, "starting"), [pod(1, FINISHED)]]
    log, _follower, said = followed(states, [(30, CUT), *REST])
    assert log == SHOWN
    assert [line for line in said if "lost" in line or "again" in line] == said
    assert said


def test_a_cluster_that_stays_away_is_given_up_with_the_command_that_goes_on() -> None:
    gone = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type] # no pool here
    view = JobView(Fake([gone, gone], []), "training", "launch")
    with pytest.raises(SamerunError, match="Failed to follow launch: the cluster went away") as caught:
        list(Follower(view, lambda _line: None, patience=0.0))
    assert caught.value.code == UNAVAILABLE
    assert caught.value.hint.endswith("samerun logs -f launch")


def test_a_refusal_ends_it() -> None:
    with pytest.raises(ApiError, match="forbidden"):
        followed([ApiError(403, "forbidden")], [])


def test_the_logs_of_all_attempts_come_in_order() -> None:
    states = [[pod(1, KILLED)], [pod(1, KILLED), pod(2, RUNNING)], [pod(2, FINISHED)]]
    log, follower, said = followed(states, REST * 3)
    assert log == SHOWN * 2
    assert said == ["Attempt 2 starts on pod pod-2 (node node-1)."]
    assert follower.ended is not None
    assert follower.ended.state is RunState.FINISHED


def test_a_pod_that_went_with_its_log_is_no_end_of_the_launch() -> None:
    states = [[pod(1, RUNNING)], [], [pod(2, FINISHED)]]
    log, follower, _said = followed(states, [(27, GoneError(404, "no pod")), *REST])
    assert log == b"one\n" + SHOWN
    assert follower.ended is not None
    assert follower.ended.state is RunState.FINISHED


def test_a_pod_that_goes_as_soon_as_it_has_ended_still_tells_how() -> None:
    cluster = Fake([[pod(1, RUNNING)], []], list(REST))
    cluster.deleted = [pod(1, FINISHED)]
    follower = Follower(JobView(cluster, "training", "launch"), lambda _line: None)
    assert b"".join(follower) == SHOWN
    assert follower.ended is not None
    assert follower.ended.state is RunState.FINISHED
