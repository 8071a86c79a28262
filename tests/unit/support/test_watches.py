"""A busy machine is given the time in which it has no core free, and nothing else is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import watches
from watches import Watch

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes


@pytest.fixture
def pressure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel says of waiting; nothing takes any time but what a test says."""
    path = tmp_path / "cpu"
    path.write_text("some avg10=0.00 avg60=0.00 avg300=0.00 total=5000000\nfull avg10=0.00 total=0\n")
    monkeypatch.setattr(watches, "_PRESSURE", path)
    monkeypatch.setattr(probes, "patience", lambda seconds: seconds)
    now = iter([100.0, 112.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    return path


@pytest.mark.parametrize("waited, within", [(0, False), (1, False), (4, True)])
def test_seconds_without_a_free_core_do_not_count(pressure: Path, waited: int, within: bool) -> None:
    watch = Watch()
    pressure.write_text(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={5000000 + waited * 1000000}\n")
    assert watch.within(10) is within


def test_every_second_counts_where_the_kernel_says_nothing(pressure: Path) -> None:
    pressure.unlink()
    assert Watch().seconds == 12.0
