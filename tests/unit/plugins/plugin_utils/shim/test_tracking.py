from __future__ import annotations

from collections.abc import Iterator

import breaking
import pytest
import trackers

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, tracking


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
    ("FINISHED", "KILLED", "KILLED"),
    ("FAILED", "FINISHED", "FAILED"),
    ("KILLED", "FAILED", "KILLED"),
]


@pytest.mark.parametrize("said, happened, truth", TRUTH)
def test_a_run_says_what_the_exit_code_says(server: trackers.Tracker, said: str, happened: str, truth: str) -> None:
    server.runs = [trackers.run("a", said)]
    client = tracking.Tracking(server.url)
    closed = client.close(client.launch_runs("the-launch"), happened, {})
    assert closed == [{"run_id": "a", "status": truth}]
    updates = [body["status"] for path, body in server.told if path == "runs/update"]
    assert updates == ([] if said == truth else [truth])


def test_a_closed_run_is_tagged_and_a_corrected_one_says_so(server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING"), trackers.run("b", "FINISHED")]
    client = tracking.Tracking(server.url + "/")
    client.close(client.launch_runs("the-launch"), "FAILED", {"samerun.exit_code": "3"})
    assert trackers.tagged(server) == {
        "a": {"samerun.exit_code": "3"},
        "b": {"samerun.exit_code": "3", tracking.CORRECTED_TAG: "FINISHED -> FAILED: the exit code is the truth"},
    }


def test_a_run_that_ended_before_another_began_did_not_fail(server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "FINISHED", (1, 2)), trackers.run("b", "RUNNING", (3, 0))]
    client = tracking.Tracking(server.url)
    closed = client.close(client.launch_runs("the-launch"), "FAILED", {})
    assert [run["status"] for run in closed] == ["FINISHED", "FAILED"]


RESUMED = {
    "none": ([], ""),
    "the only one": ([("a", "RUNNING", "")], "a"),
    "the only one, closed meanwhile": ([("a", "KILLED", "")], "a"),
    "one that ended well": ([("a", "FINISHED", "")], ""),
    "one with a child": ([("a", "RUNNING", ""), ("b", "RUNNING", "a")], "a"),
    "several": ([("a", "FINISHED", ""), ("b", "RUNNING", "")], ""),
}


@pytest.mark.parametrize("how", RESUMED)
def test_another_attempt_goes_on_with_the_only_run(server: trackers.Tracker, how: str) -> None:
    rows, wanted = RESUMED[how]
    server.runs = [trackers.run(run, status, parent=parent) for run, status, parent in rows]
    client = tracking.Tracking(server.url)
    assert client.resumable(client.launch_runs("the-launch")) == wanted
    left = [run["info"]["run_id"] for run in server.runs if run["info"]["status"] == "RUNNING"]
    assert left == [row[0] for row in rows if row[0] == wanted and row[1] == "RUNNING"], "what is not resumed is closed"


def test_a_run_that_was_set_aside_is_closed_and_no_attempt_goes_on_with_it(server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING"), trackers.run("b", "RUNNING")]
    client = tracking.Tracking(server.url)
    client.set_aside(server.runs, "a")
    assert [run["info"]["status"] for run in server.runs] == ["KILLED", "RUNNING"]
    tag = {"key": tracking.ASIDE_TAG, "value": trackers.tagged(server)["a"][tracking.ASIDE_TAG]}
    server.runs[0]["data"]["tags"].append(tag)
    assert client.resumable(server.runs) == "b"
    assert (keeping.chosen(server.runs) or {})["info"]["run_id"] == "b"


def test_experiments_are_known_by_name_and_none_means_no_runs(server: trackers.Tracker) -> None:
    server.runs = [trackers.run("a", "RUNNING")]
    client = tracking.Tracking(server.url)
    assert client.experiments() == {"1": "one"}
    assert client.runs("", []) == []
    assert len(client.runs("")) == 1


def test_the_version_of_a_server_is_asked_for_and_may_be_unknown(server: trackers.Tracker) -> None:
    assert tracking.Tracking(server.url).version() == "3.17.2"
    server.version = "<html>a page</html>"
    assert tracking.Tracking(server.url).version() == ""
    assert tracking.Tracking("http://127.0.0.1:1").version() == ""


@pytest.mark.parametrize("how", ["cut", "reset", "garbage", "half"])
def test_a_server_that_lets_its_clients_down_is_an_error_of_the_connection(how: str) -> None:
    with breaking.breaking(how) as address:
        client = tracking.Tracking(f"http://{address}")
        assert client.version() == ""
        with pytest.raises(OSError, match=r"\S"):
            client.launch_runs("the-launch")
