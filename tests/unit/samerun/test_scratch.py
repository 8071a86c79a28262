"""The folder of a play is private and goes away, whatever happens."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path

import pytest

from samerun.scratch import scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(temporary: Path, name: str, age: float) -> Path:
    folder = temporary / f"samerun-play-{name}"
    folder.mkdir()
    (folder / "variables.yml").write_text("secret")
    os.utime(folder, (time.time() - age, time.time() - age))
    return folder


def test_folder_is_the_users_alone_and_goes(temporary: Path) -> None:
    with scratch() as (folder, _lock):
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "x").write_text("secret")
    assert list(temporary.iterdir()) == []


def test_folder_goes_after_a_failure(temporary: Path) -> None:
    with pytest.raises(ValueError, match="x"), scratch():
        raise ValueError("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_one_left_goes_with_the_next(temporary: Path) -> None:
    left_behind(temporary, "dead", age=3600)
    with scratch() as (folder, _lock):
        assert list(temporary.iterdir()) == [folder]


def test_what_a_play_still_uses_stays(temporary: Path) -> None:
    used = left_behind(temporary, "alive", age=3600)
    handle = os.open(used, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with scratch():
        assert used.exists()
    os.close(handle)


def test_what_is_just_being_made_stays(temporary: Path) -> None:
    fresh = left_behind(temporary, "fresh", age=0)
    with scratch():
        assert fresh.exists()
