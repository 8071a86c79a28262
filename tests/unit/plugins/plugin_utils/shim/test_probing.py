from __future__ import annotations

from collections.abc import Iterator

import breaking
import pytest
import trackers
from watches import Watch

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, probing, s3
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.signing import Keys
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


@pytest.fixture(autouse=True)
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for any longer, however busy this machine is."""
    monkeypatch.setattr(probing, "patience", lambda _seconds: 1.0)


@pytest.mark.parametrize("silent", ["MLflow", "the S3 store"])
def test_an_endpoint_that_says_nothing_is_given_up(server: trackers.Tracker, silent: str) -> None:
    with breaking.breaking("silent") as address:
        url = f"http://{address}"
        client = s3.s3_client(url, Keys("key", "secret"), "")
        uri, endpoint = (url, "") if silent == "MLflow" else (server.url, url)
        watch = Watch()
        with pytest.raises(probes.ProbeError, match=rf"Failed to use {silent} from the pod: .*={url} says nothing"):
            probing.probe_all(Tracking(uri), endpoint, client if endpoint else None, "bucket", "pod")
        assert watch.within(4)


def test_who_can_start_what_is_not_there_is_told() -> None:
    url = "http://127.0.0.1:1"
    for own, hint in ((["127.0.0.1"], "samerun up"), ([], "Ask who runs it, or name another: mlflow_endpoint.")):
        with pytest.raises(probes.ProbeError) as caught:
            probing.probe_all(Tracking(url), "", None, "bucket", "host", own_hosts=own)
        assert caught.value.hint.endswith(hint)


def test_of_several_problems_the_first_hop_is_told(server: trackers.Tracker) -> None:
    assert probing.probe_all(Tracking(server.url), "", None, "bucket", "host") == "3.17.2"
    with pytest.raises(probes.ProbeError, match="Failed to reach the S3 store"):
        probing.probe_all(Tracking(server.url), "http://127.0.0.1:1", None, "bucket", "host")
    with pytest.raises(probes.ProbeError, match="Failed to reach MLflow"):
        probing.probe_all(Tracking("http://127.0.0.1:1"), "http://127.0.0.1:1", None, "bucket", "host", artifacts=True)


def test_a_version_that_does_not_come_takes_no_time_of_its_own(server: trackers.Tracker) -> None:
    server.slow = {"/version": 3.0}
    watch = Watch()
    assert probing.probe_all(Tracking(server.url), "", None, "bucket", "host") == ""
    assert watch.within(2.5)


def test_artifacts_that_are_not_taken_are_given_up_with_the_rest(server: trackers.Tracker) -> None:
    server.slow = {"/api/2.0/mlflow-artifacts/": 3.0}
    watch = Watch()
    with pytest.raises(probes.ProbeError, match=r"Failed to write artifacts through MLflow from the pod: .* says noth"):
        probing.probe_all(Tracking(server.url), "", None, "bucket", "pod", artifacts=True)
    assert watch.within(2.5)
