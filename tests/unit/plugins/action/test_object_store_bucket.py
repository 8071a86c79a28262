"""The bucket and the key of runs are made once, and predicted where nothing may be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acting
import fakes
import pytest
import samples

from ansible_collections.samerun.stack.plugins.action import object_store_bucket
from ansible_collections.samerun.stack.plugins.plugin_utils.world import identities, store


class Store:
    """What there is, and how often something was made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, bucket: bool, key: bool) -> None:
        self.made: list[str] = []
        self.there = {"bucket": bucket, "key": key}
        monkeypatch.setattr(store, "ensure_bucket", lambda _world, change: self.ensure("bucket", change))
        monkeypatch.setattr(identities, "ensure", lambda _world, _how, _policy, change: self.ensure("key", change))

    def ensure(self, what: str, change: bool) -> bool:
        if change and not self.there[what]:
            self.made.append(what)
        return not self.there[what]


def act(state: Path, *, check: bool = False) -> dict[str, Any]:
    options = {"world": samples.world_options(state, **samples.with_keys()), "identities": "minio"}
    return acting.act(object_store_bucket, options, check=check).result


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.FakeHost:
    return fakes.host(monkeypatch, samples.world(tmp_path))


@pytest.mark.parametrize(
    "bucket, key, after",
    [(False, False, "bucket mlflow-artifacts\nkey of runs\n"), (True, False, "key of runs\n"), (True, True, "")],
)
def test_what_is_missing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: bool, key: bool, after: str
) -> None:
    there = Store(monkeypatch, bucket=bucket, key=key)
    found = act(tmp_path)
    assert (found["changed"], found["diff"]["after"]) == (bool(after), after)
    assert there.made == [what for what, is_there in (("bucket", bucket), ("key", key)) if not is_there]


@pytest.mark.parametrize("bucket, key", [(False, False), (True, False), (True, True)])
def test_check_mode_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: bool, key: bool) -> None:
    there = Store(monkeypatch, bucket=bucket, key=key)
    assert act(tmp_path, check=True)["changed"] is not key
    assert there.made == []


def test_check_mode_asks_no_store_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: fakes.FakeHost
) -> None:
    host.states["minio"] = "absent"
    monkeypatch.setattr(store, "ensure_bucket", lambda _world, change: pytest.fail("it asked"))
    assert act(tmp_path, check=True)["changed"]
