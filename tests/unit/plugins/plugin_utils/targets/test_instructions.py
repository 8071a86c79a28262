"""The shim is told what it needs, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import samples

from ansible_collections.samerun.stack.plugins.plugin_utils.targets.instructions import MOUNT, shim_spec


def told(state: Path, **given: Any) -> dict[str, Any]:
    more = {name: given.pop(name) for name in ("restarts", "submitted", "code_key") if name in given}
    spec = samples.spec(samples.world(state, **samples.with_keys()), **given)
    found = shim_spec(spec, "host", work="/work", code="/bundle", report="/report", log="/log", **more)
    assert [key for key in samples.KEYS.values if key in found] == []
    read: dict[str, Any] = json.loads(found)
    return read


def test_places_and_what_is_asked_for_are_told(tmp_path: Path) -> None:
    found = told(tmp_path, args=("--lr", "1"), timeout=5, retries=2, restarts=2)
    assert {name: found[name] for name in ("work", "bundle", "report", "log")} == {
        "work": "/work", "bundle": "/bundle", "report": "/report", "log": "/log",
    }  # fmt: skip
    assert (found["launch"], found["script"], found["args"]) == (samples.LAUNCH, "train.py", ["--lr", "1"])
    assert (found["timeout"], found["retries"], found["restarts"]) == (5, 2, 2)
    assert (found["target"], found["world"], found["viewpoint"]) == ("process", "w", "host")


def test_of_secrets_only_the_names_are_told(tmp_path: Path) -> None:
    found = told(tmp_path, secret_env={"TOKEN": "canary", "ANOTHER": "canary"})
    assert found["secret_names"] == ["ANOTHER", "TOKEN"]
    assert "canary" not in json.dumps(found)


def test_what_does_not_matter_is_left_out(tmp_path: Path) -> None:
    assert told(tmp_path).keys().isdisjoint({"imports", "submitted", "mounted"})
    found = told(tmp_path, imports={"names": ["torch"]}, submitted=1.5, delivery=MOUNT, code_key="code/x")
    assert (found["imports"], found["submitted"], found["mounted"]) == ({"names": ["torch"]}, 1.5, True)
    assert found["bundle_key"] == "code/x"
