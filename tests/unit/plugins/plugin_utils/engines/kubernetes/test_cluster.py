from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import handshake_refused

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
    found = handshake_refused(words)
    assert found.status == status
    assert found.words.startswith(message)
