from __future__ import annotations

import contextlib
import io
import re
import time
from email.utils import formatdate
from http.client import HTTPMessage
from typing import Any

import breaking
import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, s3
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.signing import Keys

KEYS = Keys("key", "secret")


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
        ("ProxyConnectionError", "An error occurred (ProxyConnectionError)", "log"),
        ("PermanentRedirect", "it expects another region", "object_store_region"),
        ("301", "what answers there sends elsewhere", "object_store_endpoint"),
        ("", "An error occurred", "log"),
    ],
)
def test_what_a_store_answers_is_told_apart(code: str, cause: str, hint: str) -> None:
    error = s3.s3_problem(S3Error(code, f"An error occurred ({code})"), "bucket", "http://s3:9000", "pod")
    start = "Failed to use bucket bucket from the pod (MLFLOW_S3_ENDPOINT_URL=http://s3:9000): "
    assert error.message.startswith(start + cause)
    assert hint in error.hint


def test_a_region_that_the_store_names_is_told() -> None:
    for code in ("AuthorizationHeaderMalformed", "PermanentRedirect"):
        error = s3.s3_problem(S3Error(code, "", region="eu-west-3"), "bucket", "http://s3:9000", "pod")
        assert error.hint == "Set object_store_region to eu-west-3."
    error = s3.s3_problem(S3Error("AccessDenied", "", region="eu-west-3"), "bucket", "http://s3:9000", "pod")
    assert "region" not in error.hint


def date(ahead: float) -> str:
    """What a store answers with whose clock is `ahead` by so many seconds."""
    return formatdate(time.time() + ahead, usegmt=True)


class Store(S3Client):
    """A store that gives back what `changed` makes of it."""

    def __init__(self, changed: bytes = b"", ahead: float = 0) -> None:
        self.kept = b""
        self.changed, self.ahead = changed, ahead

    def put(self, _bucket: str, _key: str, body: bytes) -> HTTPMessage:
        self.kept = self.changed or body
        answered = HTTPMessage()
        answered["Date"] = date(self.ahead)
        return answered

    def get(self, _bucket: str, _key: str) -> contextlib.nullcontext[Any]:
        return contextlib.nullcontext(io.BytesIO(self.kept))


def test_what_a_store_refuses_for_its_time_is_told_by_the_clocks() -> None:
    error = S3Error("RequestTimeTooSkewed", "", date=date(7200))
    assert "its clock is 7200 s ahead" in re.sub(
        "7[12]..", "7200", s3.s3_problem(error, "b", "http://s3", "pod").message
    )


@pytest.mark.parametrize("ahead, says", [(450, r"4\d\d s ahead of"), (-2000, r"\d{4} s behind")])
def test_a_clock_that_is_more_than_five_minutes_off_is_refused_with_the_number(ahead: float, says: str) -> None:
    with pytest.raises(probes.ProbeError, match=rf"Failed to use the S3 store from the pod: its clock is {says}"):
        s3.probe_s3(Store(ahead=ahead), "bucket", "http://s3", "pod")


@pytest.mark.parametrize("ahead", [-200, 0, 200])
def test_a_clock_that_is_less_off_is_no_reason(ahead: float) -> None:
    s3.probe_s3(Store(ahead=ahead), "bucket", "http://s3", "host")


def test_a_store_that_changes_bytes_is_told() -> None:
    s3.probe_s3(Store(), "bucket", "http://s3", "host")
    with pytest.raises(probes.ProbeError, match="reads differently"):
        s3.probe_s3(Store(b"other"), "bucket", "http://s3", "host")


CUT = "the connection is cut before all was answered"


@pytest.mark.parametrize(
    "scheme, how, cause",
    [
        ("http", "cut", CUT),
        ("http", "reset", CUT),
        ("http", "garbage", CUT),
        ("http", "half a refusal", "(500)"),
        ("https", "garbage", "TLS does not fit"),
        ("https", "cut", "TLS does not fit"),
    ],
)
def test_a_store_that_lets_its_clients_down_is_one_line_with_its_cause(scheme: str, how: str, cause: str) -> None:
    with breaking.breaking(how) as address, pytest.raises(probes.ProbeError) as caught:
        s3.probe_s3(s3.s3_client(f"{scheme}://{address}", KEYS, ""), "bucket", address, "pod")
    assert f"Failed to use bucket bucket from the pod (MLFLOW_S3_ENDPOINT_URL={address}): " in caught.value.message
    assert cause in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_store_that_says_nothing_is_told_in_the_time_of_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "READ_SECONDS", 0.2)
    with breaking.breaking("silent") as address, pytest.raises(probes.ProbeError, match="says nothing"):
        s3.probe_s3(s3.s3_client(f"http://{address}", KEYS, ""), "bucket", address, "pod")
