from __future__ import annotations

from collections.abc import Iterator

import pytest
import trackers

from ansible_collections.samerun.stack.plugins.plugin_utils import tracking


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


# What MLflow says, what really happened, and what MLflow must say then.
TRUTH = [
    ("RUNNING", "FINISHED", "FINISHED"),
    ("RUNNING", "FAILED", "FAILED"),
    ("RUNNING", "KILLED", "KILLED"),
    ("SCHEDULED", "FAILED", "FAILED"),
    ("FINISHED", "FINISHED", "FINISHED"),
    ("FINISHED", "FAILED", "FAILED"),
    ("FINISHED", "KILLED", "FINISHED"),
    ("FAILED", "FINISHED", "FAILED"),
    ("KILLED", "FAILED", "KILLED"),
]


@pytest.mark.parametrize("said, happened, truth", TRUTH)
def test_a_run_says_what_the_exit_code_says(server: trackers.Tracker, said: str, happened: str, truth: str) -> None:
    server.runs = [trackers.run("a", said)]
    client = tracking.Tracking(server.url)
    closed = client.close(client.launch_runs("the-launch"), happened, 3)
    assert closed == [{"run_id": "a", "status": truth}]
    updates = [body["status"] for path, body in server.told if path == "runs/update"]
    assert updates == ([] if said == truth else [truth])


def test_a_closed_run_is_tagged_with_state_and_exit_code(server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING"), trackers.run("b", "FINISHED")]
    client = tracking.Tracking(server.url + "/")
    client.close(client.launch_runs("the-launch"), "FAILED", 3)
    tagged = {body["run_id"]: body["tags"] for path, body in server.told if path == "runs/log-batch"}
    wanted = [{"key": tracking.STATE_TAG, "value": "FAILED"}, {"key": tracking.EXIT_TAG, "value": "3"}]
    assert tagged == {"a": wanted, "b": wanted}


def test_experiments_are_known_by_name_and_none_means_no_runs(server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING")]
    client = tracking.Tracking(server.url)
    assert client.experiments() == {"1": "one"}
    assert client.runs("", []) == []
    assert len(client.runs("")) == 1
