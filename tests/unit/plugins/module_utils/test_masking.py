from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import masking


@pytest.mark.parametrize(
    "text, secrets, shown",
    [
        ("a secret1 b", ("secret1",), "a ******** b"),
        ("exit_code: 1", ("1",), "exit_code: 1"),
        ("abcdefghij", ("abcdef", "abcdefghij"), "********"),
        ("nothing", ("secret1",), "nothing"),
        ("nothing", ("",), "nothing"),
    ],
)
@pytest.mark.parametrize("piece", [1, 3, 100])
def test_secrets_are_masked_unless_that_destroys_more(
    text: str, secrets: tuple[str, ...], shown: str, piece: int
) -> None:
    stream, data = masking.Stream(secrets), text.encode()
    got = b"".join(stream.feed(data[start : start + piece]) for start in range(0, len(data), piece))
    assert got + stream.flush() == shown.encode()
