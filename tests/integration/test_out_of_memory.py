"""A process of this host that the kernel kills for want of memory is told from one that somebody killed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import launches
import pytest
import worlds

LIMIT = 100 * 2**20
# Enters a cgroup with a limit, starts a script that needs more, and tells how the shim's keeper of scripts sees that.
KEEPER = """
import os, sys
open(sys.argv[1] + "/cgroup.procs", "w").write(str(os.getpid()))
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import Output
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_process import ScriptProcess
script = ScriptProcess(Output([], ""), 0)
print(script.run([sys.executable, "-c", sys.argv[2]], ".", dict(os.environ)), script.out_of_memory, flush=True)
"""


@pytest.fixture
def group() -> Iterator[Path]:
    """A cgroup with a limit on memory, of version 1 or 2."""
    for base, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        made = Path(base) / f"samerun-{os.getpid()}"
        with contextlib.suppress(OSError):
            made.mkdir()
            (made / limit).write_text(str(LIMIT))
            break
    else:
        pytest.skip("needs root, and cgroups with a memory controller, to limit what a process may use")
    yield made
    made.rmdir()


@pytest.mark.parametrize(
    "script, ended",
    [
        ("x = bytearray(600 * 2**20)", "-9 True"),
        ("import os; os.kill(os.getpid(), 9)", "-9 False"),
        ("import sys; sys.exit(3)", "3 False"),
    ],
)
def test_out_of_memory_is_told_from_a_kill(group: Path, script: str, ended: str) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "collections")}
    keeper = [sys.executable, "-c", KEEPER, str(group), script]
    told = subprocess.run(keeper, env=environ, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout
    assert told.splitlines()[-1] == ended


@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_a_launch_that_ran_out_of_memory_says_so(real: worlds.RealWorld, group: Path, tmp_path: Path) -> None:
    limit = next(path for path in (group / "memory.max", group / "memory.limit_in_bytes") if path.exists())
    limit.write_text(str(8 * LIMIT))  # whoever submits is in it, too
    (tmp_path / "greedy.py").write_text(f"x = bytearray({20 * LIMIT})")
    given = {"script": str(tmp_path / "greedy.py"), "requirements": str(worlds.ROOT / "trainer" / "requirements.txt")}
    with launches.submitter(real.options, given, tmp_path / "submit.json") as child:
        (group / "cgroup.procs").write_text(str(child.pid))
        assert child.stdout is not None
        launch = child.stdout.readline().split()[1].decode()
        child.stdout.read()
    record = launches.record_on_disk(real.world, launch)
    assert (record["state"], record["exit_code"]) == ("FAILED", 137)
    assert record["reason"] == "Out of memory: the kernel stopped it."
    assert record["hint"] == "Use less, or train where there is more."
