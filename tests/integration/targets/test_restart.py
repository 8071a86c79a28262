"""A launch that died with its shim is started again where its target can."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import engines
import launches
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS

# The first attempt waits to be killed; the second finds a fresh working folder and what the first left on the volume.
SCRIPT = """
import os, sys, time
print("attempt in", sorted(os.listdir(".")), flush=True)
open("left by an attempt", "w").close()
if os.path.exists("/data/seen"):
    print("again with", os.environ["TOKEN"][:2], flush=True)
    sys.exit(3)
open("/data/seen", "w").close()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("real", ["process", "docker"], indirect=True)
def test_a_killed_launch_is_started_again_as_it_was(
    world: World, trainer: dict[str, Any], engine: engines.Engine, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT)
    with engine.volume("named", f"restart-{time.time_ns()}", tmp_path) as volume:
        submitted = launches.launch(
            world, detach=True, script=str(project / "train.py"), volumes=[f"{volume}:/data"], retries=1,
            secret_env={"TOKEN": "it is a secret"}, **trainer,
        ).record  # fmt: skip
        target = TARGETS[world.target](world)
        again = world.runs / submitted.launch / "again.json"
        held = json.loads(again.read_text())["secret_env"] if again.exists() else {"TOKEN": "it is a secret"}
        assert held == {"TOKEN": "it is a secret"}, "no key of the world is with it"
        log = b""
        for piece in target.follow(submitted.launch):
            log += piece
            if b"ready" in piece:
                engine.kill_run(submitted.launch)
        lost = target.outcome(submitted.launch)
        assert lost is not None
        assert (lost.state, lost.exit_code, lost.report) == (RunState.KILLED, None, {})
        assert target.restart(submitted.launch)
        whole = b"".join(target.follow(submitted.launch))
        record = launches.collect_until_settled(world, submitted.launch)
    assert whole.startswith(log), "the log goes on"
    assert whole.count(b"attempt in ['train.py']\n") == 2, whole
    assert whole.endswith(b"again with it\n")
    assert (record.state, record.exit_code) == (RunState.FAILED, 3)
    assert not target.restart(submitted.launch), "nothing is left that could be started"
    assert engine.leftovers(submitted.launch) == []
    assert {path.name for path in (world.runs / submitted.launch).iterdir()} <= {"log.txt", "record.json", "work"}
