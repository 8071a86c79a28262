from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import breaking
import pytest
import trackers

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes


@pytest.fixture
def server() -> Iterator[trackers.Tracker]:
    with trackers.tracker() as found:
        yield found


def failed(url: str) -> probes.ProbeError:
    with pytest.raises(probes.ProbeError) as caught:
        probes.probe_tracking(url, "container")
    assert "\n" not in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_server_that_answers_passes(server: trackers.Tracker) -> None:
    probes.probe_tracking(server.url, "host")


@pytest.mark.parametrize(
    "status, text, message, hint",
    [
        (403, "Invalid Host header", "does not accept this Host header", "mlflow_allowed_hosts"),
        (403, "Permission denied", "answers 403, it wants a user or a token", "mlflow_username"),
        (401, "", "answers 401, it wants a user or a token", "mlflow_token"),
        (404, "<html>", "answers 404 to its own API", "Is it an MLflow server?"),
        (500, "", "answers 500 to its own API", "Is it an MLflow server?"),
        (200, "<html>no JSON", "Failed to use MLflow from the container", "Is it an MLflow server"),
    ],
)
def test_what_a_server_answers_is_told_apart(
    server: trackers.Tracker, status: int, text: str, message: str, hint: str
) -> None:
    server.refusal = (status, text)
    error = failed(server.url)
    assert message in error.message
    assert f"MLFLOW_TRACKING_URI={server.url}" in error.message
    assert hint in error.hint


def test_a_closed_port_is_told_from_a_name_that_is_none() -> None:
    closed = failed("http://127.0.0.1:1")
    assert "nothing answers at 127.0.0.1:1 of MLFLOW_TRACKING_URI=http://127.0.0.1:1" in closed.message
    assert "from the container" in closed.message
    unknown = failed("http://nowhere.invalid:5000")
    assert (
        "the name nowhere.invalid of MLFLOW_TRACKING_URI=http://nowhere.invalid:5000 cannot be resolved"
        in unknown.message
    )


def test_a_server_that_speaks_something_else_is_told(server: trackers.Tracker) -> None:
    error = failed(server.url.replace("http:", "https:"))
    assert "Failed to use MLflow from the container" in error.message
    assert "http or https" in error.hint


def test_a_port_that_takes_connections_is_enough_for_a_store() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        probes.probe_tcp("the store", "X", f"http://127.0.0.1:{listening.getsockname()[1]}", "host")


AHEAD = r"clock is 4\d\d s ahead of the one here \(there \d{4}-\d\d-\d\dT[\d:]+Z, here .*Z\)"
BEHIND = r"clock is \d{4} s behind the one here"


@pytest.mark.parametrize("ahead, says", [(450, AHEAD), (-2000, BEHIND)])
def test_a_clock_that_is_more_than_five_minutes_off_is_refused_with_the_number(
    server: trackers.Tracker, ahead: float, says: str
) -> None:
    server.ahead = ahead
    error = failed(server.url)
    assert re.search(rf"Failed to use MLflow from the container: its {says}", error.message)
    assert "NTP" in error.hint


@pytest.mark.parametrize("ahead", [-200, 0, 200])
def test_a_clock_that_is_less_off_is_no_reason(server: trackers.Tracker, ahead: float) -> None:
    server.ahead = ahead
    probes.probe_tracking(server.url, "host")


@pytest.mark.parametrize("date", [None, "", "yesterday", 5])
def test_an_answer_without_a_date_tells_nothing(date: Any) -> None:
    probes.probe_clock("MLflow", "host", date)


def test_a_disk_without_room_is_named_with_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = b"\x1f\x8b" + (300_000_000).to_bytes(4, "little")  # what a gzip file begins with and ends with
    usage = shutil.disk_usage(tmp_path)
    for free, small, large in ((50_000_000, False, False), (550_000_000, True, False), (650_000_000, True, True)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, free=free: usage._replace(free=free))
        for given, fits in ((b"little", small), (code, large)):
            if fits:
                probes.probe_disk(str(tmp_path), given)
            else:
                with pytest.raises(probes.ProbeError, match=rf"{tmp_path}: {free / 1e6:.0f} MB are free there"):
                    probes.probe_disk(str(tmp_path), given)


@pytest.mark.parametrize(
    "how, cause",
    [
        ("cut", "closed connection without response"),
        ("reset", "reset by peer"),
        ("garbage", "what it answers is no HTTP"),
        ("half", "its answer was cut"),
        ("half a refusal", "answers 500 to its own API"),
    ],
)
def test_a_server_that_lets_its_clients_down_is_one_line_with_its_cause(how: str, cause: str) -> None:
    with breaking.breaking(how) as address:
        error = failed(f"http://{address}")
    assert f"MLFLOW_TRACKING_URI=http://{address}" in error.message
    assert cause in error.message
