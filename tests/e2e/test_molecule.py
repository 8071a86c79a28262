"""The scenarios of molecule, each with a state folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import stacks
from plays import ROOT
from tours import Tours

pytestmark = pytest.mark.molecule
SCENARIOS = [
    pytest.param(target, name, marks=getattr(pytest.mark, target), id=name)
    for target, name in stacks.INVENTORIES.items()
]


@pytest.mark.parametrize("target, name", SCENARIOS)
def test_scenario_converges_twice_and_its_record_is_right(target: str, name: str, tours: Tours, tmp_path: Path) -> None:
    stacks.variables(target)  # skips where there is no engine
    tours.end(target)
    stacks.require_free_names(target)
    folder = Path(sys.executable).parent
    environment = {
        **os.environ, "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "molecule"), "NO_COLOR": "1",
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }  # fmt: skip
    done = subprocess.run(
        ["molecule", "test", "--scenario-name", name], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    # syntax, cleanup, converge, idempotence, verify, cleanup: one left out would not count as a failure.
    assert re.search(rf"{name} +: actions=6 +successful=6 ", done.stdout + done.stderr)
    # What was there before is there again: nothing.
    stacks.until(lambda: not stacks.in_the_way(target), f"the end of world {name}", 120)
    assert not list(tmp_path.rglob("record.json"))
