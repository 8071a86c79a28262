"""Everything that a process started is found, whatever it is called and whoever its parent is by now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import descendants


def test_the_whole_family_of_a_process_is_found_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = {10: 1, 13: 12, 12: 11, 11: 10, 20: 1, 21: 20}
    monkeypatch.setattr(descendants, "_parents", lambda: parents)
    assert descendants.found(10) == [11, 12, 13]
    assert descendants.found(21) == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: elsewhere nothing is found")
def test_a_child_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    named = tmp_path / "a) 1 (b"
    named.symlink_to(str(shutil.which("sleep")))
    with subprocess.Popen([named, "60"]) as child:
        try:
            assert child.pid in descendants.found(os.getpid())
        finally:
            child.kill()


def test_where_there_is_no_such_family_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", refuse)
    assert descendants.found(1) == []
