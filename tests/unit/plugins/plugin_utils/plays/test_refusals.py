from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import refusals

REASON, HINT = "Failed to import x in python: ModuleNotFoundError.", "Add it."
REFUSAL = f"samerun: {REASON} {HINT}\n".encode()


def shown(pieces: list[bytes], reason: str = REASON, code: int | None = None, cause: Cause | None = None) -> bytes:
    why = cause or (Cause.REFUSED if code is None else Cause.SCRIPT)
    found: list[bytes] = []
    with refusals.Shown(found.append) as log:
        for piece in pieces:
            log.feed(piece)
        log.told(
            RunRecord(
                launch="x", name="x", world="w", target="process", script="", script_sha256="", bundle_sha256="",
                fingerprint="", contract={}, image="", tracking_uri="", reason=reason, hint=HINT, exit_code=code,
                cause=why,
            )
        )  # fmt: skip
    return b"".join(found)


def test_a_refusal_that_the_result_says_is_not_shown() -> None:
    assert shown([REFUSAL]) == b""
    assert shown([REFUSAL[:5], REFUSAL[5:30], REFUSAL[30:]]) == b""
    assert shown([b"samerun: a warning\n" + REFUSAL]) == b"samerun: a warning\n"


@pytest.mark.parametrize(
    "pieces, reason, code",
    [
        ([REFUSAL], "train.py ended with exit code 1.", 1),
        ([REFUSAL, b"more\n"], REASON, None),
        ([b"the script's\n", REFUSAL], REASON, None),
        ([b"samerun: Fai"], REASON, None),
        ([b"samerun: Failed to do another thing.\n"], REASON, None),
    ],
)
def test_all_else_is_shown_byte_for_byte(pieces: list[bytes], reason: str, code: int | None) -> None:
    assert shown(pieces, reason, code) == b"".join(pieces)


def test_a_line_that_reads_like_a_refusal_is_shown_where_the_result_is_none() -> None:
    assert shown([REFUSAL], cause=Cause.UNSTARTABLE) == REFUSAL


def test_a_line_of_ours_is_held_until_something_follows_it() -> None:
    found: list[bytes] = []
    log = refusals.Shown(found.append)
    log.feed(b"samerun: a warning\n")
    assert found == []
    log.feed(b"samerun: another\n")
    assert found == [b"samerun: a warning\n"]
    log.feed(b"the script's\n")
    assert b"".join(found) == b"samerun: a warning\nsamerun: another\nthe script's\n"


def test_what_a_script_says_is_shown_at_once() -> None:
    found: list[bytes] = []
    log = refusals.Shown(found.append)
    for piece in (b"10%\r", b"samerun: Failed to be ours\n"):
        log.feed(piece)
    assert found == [b"10%\r", b"samerun: Failed to be ours\n"]


def test_a_log_that_is_cut_is_shown_whole() -> None:
    found: list[bytes] = []
    with refusals.Shown(found.append) as log:
        log.feed(REFUSAL)
    assert found == [REFUSAL]
