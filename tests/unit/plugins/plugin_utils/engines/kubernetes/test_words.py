from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import words as told
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.words import Away

BODY = b'{"kind":"Status","message":"pods \\"x\\" is forbidden: User \\"ann\\" cannot create","code":403}'


@pytest.mark.parametrize(
    "words, status, message",
    [
        (
            f"Handshake status 403 Forbidden -+-+- {{'a': 'b'}} -+-+- {BODY!r}",
            403,
            'pods "x" is forbidden: User "ann" c',
        ),
        ("Handshake status 404 Not Found -+-+- {} -+-+- b''", 404, "Not Found"),
        ("[Errno 111] Connection refused", 503, "[Errno 111] Connection refused"),
        ("", 503, "nothing answers"),
    ],
)
def test_a_refused_connection_to_a_pod_is_read_like_any_other_answer(words: str, status: int, message: str) -> None:
    found, text = told.handshake(words)
    assert found == status
    assert text.startswith(message)


POOL = "HTTPSConnectionPool(host='x', port=6443)"


@pytest.mark.parametrize(
    "words, away, seconds",
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", Away.UNTRUSTED, ""),
        ("[SSL] record layer failure (_ssl.c:1006)", Away.UNTRUSTED, ""),
        (f"{POOL}: Read timed out. (read timeout=5.0)", Away.SILENT, "5"),
        (f"{POOL}: Connection to x timed out. (connect timeout=4.0)", Away.SILENT, "4"),
        (f"{POOL}: Failed to resolve 'x' ([Errno -2] Name or service not known)", Away.UNRESOLVED, ""),
        (f"{POOL}: Failed to establish a new connection: [Errno 111] Connection refused", Away.ABSENT, ""),
    ],
)
def test_why_no_api_server_answers_is_told_apart(words: str, away: Away, seconds: str) -> None:
    assert (told.away(words), told.waited(words)) == (away, seconds)


def test_what_no_other_try_mends_and_what_a_quota_forbids_is_told() -> None:
    assert told.is_certificate("[SSL: CERTIFICATE_VERIFY_FAILED] x")
    assert not told.is_certificate("[Errno 111] Connection refused")
    assert told.is_quota('pods "x" is forbidden: exceeded quota: q')
    assert not told.is_quota('pods is forbidden: User "ann" cannot list')
