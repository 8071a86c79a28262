"""Clocks that differ too much for S3 are told, with which one is ahead."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import clocks


@pytest.mark.parametrize("ahead", [0, clocks.LIMIT - 10, 10 - clocks.LIMIT])
def test_clocks_that_nearly_agree_are_no_problem(ahead: float) -> None:
    assert clocks.problem("MLflow", "pod", formatdate(time.time() + ahead, usegmt=True)) is None


@pytest.mark.parametrize("ahead, said", [(3600, "3600 s ahead of the one here"), (-3600, "3600 s behind the one here")])
def test_a_clock_that_is_an_hour_off_is_told(monkeypatch: pytest.MonkeyPatch, ahead: float, said: str) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    found = clocks.problem("the S3 store", "pod", formatdate(1_700_000_000 + ahead, usegmt=True))
    assert found is not None
    message, hint = found
    assert message.startswith(f"Failed to use the S3 store from the pod: its clock is {said} (there ")
    assert "here 2023-11-14T22:13:20Z" in message
    assert "NTP" in hint


@pytest.mark.parametrize("date", [None, "", "yesterday", 7])
def test_what_is_no_date_tells_nothing(date: Any) -> None:
    assert clocks.problem("MLflow", "pod", date) is None
