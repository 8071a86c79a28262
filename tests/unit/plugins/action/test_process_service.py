"""A service of the process target is applied as it is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import process_service
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Service, bool]]:
    found: list[tuple[Service, bool]] = []

    def apply(_host: ProcessHost, service: Service, *, restart: bool) -> bool:
        found.append((service, restart))
        return True

    monkeypatch.setattr(ProcessHost, "apply", apply)
    return found


def act(state: Path, *, check: bool = False) -> dict[str, Any]:
    options = {"world": samples.world_options(state), "service": samples.service_options(command=["${bin}serve"])}
    return acting.act(process_service, {**options, "restart": True}, check=check).result


def test_it_is_applied_with_the_places_of_this_host(tmp_path: Path, applied: list[tuple[Service, bool]]) -> None:
    assert act(tmp_path)["changed"]
    ((service, restart),) = applied
    assert restart
    assert service.command[0].startswith("/")


def test_check_mode_leaves_it_as_it_is(tmp_path: Path, applied: list[tuple[Service, bool]]) -> None:
    assert act(tmp_path, check=True)["skipped"]
    assert applied == []
