from __future__ import annotations

import io
import re
import shutil
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trackers

from ansible_collections.samerun.stack.plugins.plugin_utils import probes


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


@pytest.mark.parametrize("silent", ["MLflow", "the S3 store"])
def test_an_endpoint_that_says_nothing_is_given_up(
    server: trackers.Tracker, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        client = probes.s3_client(url, "key", "secret", "")
        uri, endpoint = (url, "") if silent == "MLflow" else (server.url, url)
        started = time.monotonic()
        with pytest.raises(probes.ProbeError, match=rf"Failed to use {silent} from the pod: .*={url} says nothing"):
            probes.probe_all(uri, endpoint, client if endpoint else None, "bucket", "pod")
        assert time.monotonic() - started < 4


def test_of_several_problems_the_first_hop_is_told(server: trackers.Tracker) -> None:
    probes.probe_all(server.url, "", None, "bucket", "host")
    with pytest.raises(probes.ProbeError, match="Failed to reach the S3 store"):
        probes.probe_all(server.url, "http://127.0.0.1:1", None, "bucket", "host")
    with pytest.raises(probes.ProbeError, match="Failed to reach MLflow"):
        probes.probe_all("http://127.0.0.1:1", "http://127.0.0.1:1", None, "bucket", "host")


def test_a_port_that_takes_connections_is_enough_for_a_store() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        probes.probe_tcp("the store", "X", f"http://127.0.0.1:{listening.getsockname()[1]}", "host")


class RefusedError(Exception):
    """What boto3 raises, as far as it is read."""

    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}} if code else {}


@pytest.mark.parametrize(
    "code, cause, hint",
    [
        ("InvalidAccessKeyId", "it does not know the access key", "object_store_access_key"),
        ("SignatureDoesNotMatch", "the secret key is wrong", "object_store_secret_key"),
        ("NoSuchBucket", "the bucket does not exist", "object_store_bucket"),
        ("InvalidBucketName", "no bucket can be called so", "object_store_bucket"),
        ("404", "what answers there is no S3 store", "object_store_endpoint"),
        ("AccessDenied", "the key may not write and read there", "s3:PutObject"),
        ("AuthorizationHeaderMalformed", "it expects another region", "object_store_region"),
        ("SlowDown", "An error occurred (SlowDown)", "log"),
        ("", "An error occurred", "log"),
    ],
)
def test_what_a_store_answers_is_told_apart(code: str, cause: str, hint: str) -> None:
    error = probes.s3_problem(RefusedError(code), "bucket", "http://s3:9000", "pod")
    start = "Failed to use bucket bucket from the pod (MLFLOW_S3_ENDPOINT_URL=http://s3:9000): "
    assert error.message.startswith(start + cause)
    assert hint in error.hint


def answered(ahead: float) -> dict[str, Any]:
    """What boto3 returns from a store whose clock is `ahead` by so many seconds."""
    return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(time.time() + ahead, usegmt=True)}}}


class Store:
    """A store that gives back what `changed` makes of it."""

    def __init__(self, changed: bytes = b"", ahead: float = 0) -> None:
        self.kept = b""
        self.changed, self.ahead = changed, ahead

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.kept = self.changed or Body
        return answered(self.ahead)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.kept)}


AHEAD = r"clock is 4\d\d s ahead of the one here \(there \d{4}-\d\d-\d\dT[\d:]+Z, here .*Z\)"
BEHIND = r"clock is \d{4} s behind the one here"


@pytest.mark.parametrize("ahead, says", [(450, AHEAD), (-2000, BEHIND)])
def test_a_clock_that_is_more_than_five_minutes_off_is_refused_with_the_number(
    server: trackers.Tracker, ahead: float, says: str
) -> None:
    server.ahead = ahead
    assert re.search(rf"Failed to use MLflow from the container: its {says}", failed(server.url).message)
    with pytest.raises(probes.ProbeError, match=rf"Failed to use the S3 store from the pod: its {says}") as caught:
        probes.probe_s3(Store(ahead=ahead), "bucket", "http://s3", "pod")
    assert "NTP" in caught.value.hint


@pytest.mark.parametrize("ahead", [-200, 0, 200])
def test_a_clock_that_is_less_off_is_no_reason(server: trackers.Tracker, ahead: float) -> None:
    server.ahead = ahead
    probes.probe_tracking(server.url, "host")
    probes.probe_s3(Store(ahead=ahead), "bucket", "http://s3", "host")


def test_what_a_store_refuses_for_its_time_is_told_by_the_clocks() -> None:
    error = RefusedError("RequestTimeTooSkewed")
    error.response.update(answered(7200))
    assert "its clock is 7200 s ahead" in re.sub(
        "7[12]..", "7200", probes.s3_problem(error, "b", "http://s3", "pod").message
    )


@pytest.mark.parametrize("date", [None, "", "yesterday", 5])
def test_an_answer_without_a_date_tells_nothing(date: Any) -> None:
    probes.probe_clock("MLflow", "host", date)


def test_the_version_of_a_server_is_asked_for_and_may_be_unknown(server: trackers.Tracker) -> None:
    assert probes.server_version(server.url) == "3.17.2"
    server.version = "<html>a page</html>"
    assert probes.server_version(server.url) == ""
    assert probes.server_version("http://127.0.0.1:1") == ""


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


def test_a_store_that_changes_bytes_is_told() -> None:
    probes.probe_s3(Store(), "bucket", "http://s3", "host")
    with pytest.raises(probes.ProbeError, match="reads differently"):
        probes.probe_s3(Store(b"other"), "bucket", "http://s3", "host")
