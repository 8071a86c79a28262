from __future__ import annotations

import fcntl
import multiprocessing
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        assert files.write_private(tmp_path / "new" / "file", "text") is True
    finally:
        os.umask(old)
    assert mode(tmp_path / "new" / "file") == 0o600
    assert mode(tmp_path / "new") == 0o700


def test_a_second_write_changes_nothing_but_an_open_mode_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert files.write_private(path, b"same")
    assert files.write_private(path, "same") is False
    path.chmod(0o644)
    assert files.write_private(path, "same") is True
    assert mode(path) == 0o600


def test_a_write_that_fails_leaves_the_old_content_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_private(path, "old")

    def refuse(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no"):
        files.write_private(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_json_is_read_back_and_absence_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert files.read_json(path) == {}
    assert files.write_json(path, {"b": 1, "a": "ü"})
    assert files.write_json(path, {"a": "ü", "b": 1}) is False
    assert files.read_json(path) == {"a": "ü", "b": 1}
    path.write_text("[]")
    assert files.read_json(path) == {}


def hold(path: str, held: multiprocessing.synchronize.Event, done: multiprocessing.synchronize.Event) -> None:
    with files.locked(Path(path)):
        held.set()
        done.wait(30)


def test_a_lock_is_seen_while_its_holder_lives_and_gone_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert files.is_locked(path) is False
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(str(path), held, done))
    holder.start()
    try:
        assert held.wait(30)
        assert files.is_locked(path) is True
        holder.kill()
        holder.join()
        assert files.is_locked(path) is False
    finally:
        holder.kill()
        holder.join()
        holder.close()


def test_a_lock_that_its_holder_removed_keeps_nobody_apart_from_the_next(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    inside: list[int] = []
    most: list[int] = []

    def hold() -> None:
        for _ in range(50):
            with files.locked(path):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()
                path.unlink()

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), len(most)) == (1, 200)


def test_who_asks_for_a_lock_is_no_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with open(path) as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # somebody else who asks at this moment
        assert not files.is_locked(path)
