"""A world gets its keys once; check mode only predicts that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import world_credentials


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    return fakes.host(monkeypatch, samples.world(tmp_path))


def act(state: Path, *, check: bool = False) -> dict[str, Any]:
    return acting.act(world_credentials, {"world": samples.world_options(state), "separate": True}, check=check).result


def test_keys_are_made_once_and_are_in_no_result(tmp_path: Path, host: fakes.FakeHost) -> None:
    found = act(tmp_path)
    kept = host.credentials()
    assert kept is not None
    assert kept.trainer is not None
    assert (found["changed"], found["diff"]["after"]) == (True, "S3 keys of the world\n")
    assert [key for key in (*kept.values, *kept.trainer.values) if key in str(found)] == []
    assert not act(tmp_path)["changed"]
    assert host.credentials() == kept


def test_check_mode_makes_none(tmp_path: Path) -> None:
    assert act(tmp_path, check=True)["changed"]
    assert fakes.absent(tmp_path)
