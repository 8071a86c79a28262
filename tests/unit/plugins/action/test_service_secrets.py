"""Keys reach a service from memory, and no result of a task."""

from __future__ import annotations

from pathlib import Path

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import service_secrets


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    return fakes.host(monkeypatch, samples.world(tmp_path))


def act(state: Path, *, check: bool = False) -> acting.Acted:
    world = samples.world_options(state, **samples.with_keys())
    return acting.act(service_secrets, {"world": world, "service": samples.service_options()}, check=check)


@pytest.mark.parametrize("differs", [True, False])
def test_the_secret_files_are_delivered_and_only_a_change_is_told(
    tmp_path: Path, host: fakes.FakeHost, differs: bool
) -> None:
    host.differs = differs
    done = act(tmp_path)
    assert done.result == {"changed": differs}
    assert host.asked == ["deliver ['keys']"]


def test_check_mode_delivers_nothing(tmp_path: Path, host: fakes.FakeHost) -> None:
    assert act(tmp_path, check=True).result["skipped"]
    assert host.asked == []


def test_a_world_without_keys_is_told_to_be_set_up(tmp_path: Path, host: fakes.FakeHost) -> None:
    options = {"world": samples.world_options(tmp_path), "service": samples.service_options()}
    found = acting.act(service_secrets, options).result
    assert found["failed"]
    assert "samerun up" in found["hint"]
