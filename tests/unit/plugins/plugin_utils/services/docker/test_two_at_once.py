"""Two commands that set up one world of processes at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials


def twice(do: Any) -> list[Any]:
    """What `do` returns in two threads at once."""
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(do())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return found


def test_the_second_takes_the_keys_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Credentials] = []

    def slowly() -> Credentials | None:
        found = kept[-1] if kept else None
        time.sleep(0.2)
        return found

    world = samples.world(tmp_path)
    host = fakes.host(monkeypatch, world)
    monkeypatch.setattr(host, "credentials", slowly)
    monkeypatch.setattr(host, "keep_credentials", kept.append)
    changes = twice(lambda: credentials.ensure(world, trainer=True))
    assert sorted(changes) == [False, True]
    assert len(kept) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_second_finds_what_the_first_has_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[str] = []

    def start(_python: Path) -> None:
        assert not running or running == ["ended"], "supervisord would find its socket taken"
        running[:] = ["starts"]
        time.sleep(0.2)
        running[:] = ["ended"]

    world, service = samples.world(tmp_path), samples.service()

    def apply() -> bool:
        host = ProcessHost(world)
        monkeypatch.setattr(host.supervisor, "start", start)
        monkeypatch.setattr(host.supervisor, "apply", lambda _name, restart: None)
        return host.apply(service, restart=False)

    assert len(twice(apply)) == 2
