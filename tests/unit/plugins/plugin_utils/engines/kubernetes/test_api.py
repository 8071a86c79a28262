"""What an API server refuses is one line with the next step, and what may pass is known as such."""

from __future__ import annotations

import json
from typing import Any

import fakes_cluster
import pytest
import urllib3

from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    CONFIG,
    NO_PERMISSION,
    TEMPORARY,
    UNAVAILABLE,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import (
    ApiError,
    GoneError,
    _message,
    is_silent,
    lost_link,
)

POOL: Any = None
CERTIFICATE = urllib3.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
SILENT = urllib3.exceptions.ReadTimeoutError(POOL, "/version", "Read timed out. (read timeout=20.0)")
REFUSED = urllib3.exceptions.NewConnectionError(POOL, "Connection refused")


@pytest.mark.parametrize(
    "error, code, said",
    [
        (ApiError(401, "Unauthorized"), NO_PERMISSION, "a token may have expired"),
        (ApiError(403, 'pods is forbidden: "ann" cannot create'), NO_PERMISSION, "Ask for that verb in a Role"),
        (ApiError(403, "exceeded quota: small"), NO_PERMISSION, "Ask for more quota"),
        (ApiError(409, "it was changed meanwhile"), TEMPORARY, "it was changed meanwhile."),
        (ApiError(503, "it starts"), TEMPORARY, "it starts."),
        (ApiError(422, "a field is wrong"), CONFIG, "a field is wrong."),
        (CERTIFICATE, UNAVAILABLE, "its certificate is not trusted"),
        (SILENT, UNAVAILABLE, "no answer within"),
        (REFUSED, UNAVAILABLE, "Failed to do it"),
    ],
    ids=str,
)
def test_a_refusal_is_one_line_with_what_to_do(error: Exception, code: int, said: str) -> None:
    with pytest.raises(SamerunError) as caught, fakes_cluster.FakeCluster().explained("do it"):
        raise error
    assert caught.value.code == code
    assert caught.value.message.startswith("Failed to do it")
    assert "kind-test" in str(caught.value) or "127.0.0.1" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "error, passes",
    [
        (ApiError(429, "busy"), True), (ApiError(410, "too old"), True), (ApiError(403, "no"), False),
        (GoneError(404, "no"), False), (REFUSED, True), (SILENT, True), (CERTIFICATE, False), (ValueError("x"), False),
    ],
    ids=str,
)  # fmt: skip
def test_only_what_may_be_answered_later_is_asked_again(error: Exception, passes: bool) -> None:
    assert lost_link(error) is passes


def test_a_connection_that_says_nothing_is_told_from_one_that_is_not_there() -> None:
    assert [is_silent(error) for error in (SILENT, REFUSED)] == [True, False]


@pytest.mark.parametrize(
    "body, words",
    [
        (json.dumps({"message": "pods is forbidden. "}).encode(), "pods is forbidden"),
        (b"<html>", "the API server answers 502"),
        (b"[]", "the API server answers 502"),
    ],
)
def test_the_words_of_an_answer_are_its_message_or_its_status(body: bytes, words: str) -> None:
    assert _message(502, body) == words
