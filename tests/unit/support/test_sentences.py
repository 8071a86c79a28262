"""What the rule about sentences, see test_conventions.py, finds and what it leaves alone."""

from __future__ import annotations

import pytest
from sentences import searches


@pytest.mark.parametrize(
    "line",
    [
        "words.UNREACHABLE.text in error.message",
        "'time limit' not in report.get('reason', '')",
        "report['hint'].startswith('Raise')",
        "re.search('SIGTERM', record.reason)",
        "PATTERN.match(str(found.get('reason', '')).lower())",
        "record.reason == 'Out of memory: the kernel stopped it.'",
        "line.startswith('Failed to ')",
        "b'Cancelled by SIGTERM.' in line",
        "(words := error.hint) and 'x' in words",
    ],
)
def test_a_search_is_noticed(line: str) -> None:
    assert list(searches(f"def f(error, report, record, found, line):\n    return {line}\n"))


def test_a_search_in_an_exceptions_text_is_noticed() -> None:
    body = "def f():\n    try:\n        g()\n    except OSError as error:\n        text = str(error)\n        "
    assert list(searches(f"{body}return 'timed out' in text\n"))
    assert list(searches(f"{body}return 'timed out' in str(error)\n"))
    assert not list(searches(f"{body}return words.away(text)\n"))


@pytest.mark.parametrize(
    "line",
    [
        "record.cause is Cause.CANCELLED",
        "event.get('reason') == 'FailedCreate'",
        "event.get('reason') in KNOWN",
        "error.message.rstrip('.')",
        "words.means(error.message)",
        "f'{record.reason} {record.hint}'",
    ],
)
def test_what_is_no_search_is_not(line: str) -> None:
    assert not list(searches(f"def f(error, event, record):\n    return {line}\n"))
