"""What cannot be kept is told, and a store that says nothing is not waited for again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping


class Silent(keeping.Artifacts):
    """Fails as a store does that takes a connection and says nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def put(self, name: str, content: bytes | str) -> None:
        self.asked.append(name)
        raise keeping.KeepingError(f"{name}: Read timeout.")


OUTPUTS = [(f"{number}.bin", "/nowhere") for number in range(100)]


def test_a_silent_store_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keeping, "_SILENT_SECONDS", -1.0)
    store = Silent()
    problems = keeping.keep(store, {}, str(tmp_path / "log"), b"", OUTPUTS)
    assert store.asked == [keeping.LOG]
    assert problems == [f"{keeping.LOG}: Read timeout", "101 more, which were not tried"]


def test_what_fails_at_once_does_not_keep_the_rest_from_being_kept(tmp_path: Path) -> None:
    store = Silent()
    assert len(keeping.keep(store, {}, str(tmp_path / "log"), b"code", OUTPUTS)) == len(store.asked) == 103
