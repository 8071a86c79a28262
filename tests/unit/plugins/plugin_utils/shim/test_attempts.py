"""An attempt knows of those before it, also where another pod or shim made them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.attempts import Attempts, now


def attempts(folder: Path, **given: Any) -> Attempts:
    return Attempts({"report": str(folder / "report.json"), "restarts": 3, **given})


def test_attempts_that_a_shim_counts_are_known_to_the_next_one(tmp_path: Path) -> None:
    first = attempts(tmp_path)
    assert not first.again
    first.count("2026-01-01T00:00:00.000Z")
    second = attempts(tmp_path)
    assert (second.again, second.began) == (True, ["2026-01-01T00:00:00.000Z"])


def test_where_the_engine_starts_lost_ones_again_nothing_is_counted(tmp_path: Path) -> None:
    attempts(tmp_path, restarts=0).count(now())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ago, again", [(5, False), (600, True)])
def test_a_pod_that_begins_long_after_its_launch_was_submitted_is_no_first_one(
    tmp_path: Path, ago: float, again: bool
) -> None:
    assert attempts(tmp_path, restarts=0, submitted=time.time() - ago).again is again


def at(ago: float) -> str:
    return datetime.fromtimestamp(time.time() - ago, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_time_is_spent_since_the_earliest_that_is_known(tmp_path: Path) -> None:
    counted = attempts(tmp_path)
    assert counted.spent([]) == 0.0
    counted.count(at(100))
    counted.count(at(50))
    found = attempts(tmp_path)
    assert found.spent([]) == pytest.approx(100, abs=5)
    run = {"info": {"start_time": (time.time() - 200) * 1000}}
    assert found.spent([run, {"info": {}}]) == pytest.approx(200, abs=5)


def test_a_start_that_lies_ahead_spends_nothing(tmp_path: Path) -> None:
    assert attempts(tmp_path).spent([{"info": {"start_time": (time.time() + 100) * 1000}}]) == 0.0
