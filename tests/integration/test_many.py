"""Many launches leave as much behind as none: in a row from one program, and at once from its threads."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import engines
import psutil
import pytest
import worlds

import samerun
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector

AT_ONCE = 20
# A container or a pod takes seconds of a small machine; SAMERUN_TEST_LAUNCHES=100 starts a hundred there too.
IN_A_ROW = {"process": 100, "docker": 5, "kubernetes": 5}
SPARE = 3  # descriptors of connections that a library may keep open whatever the number of launches
KEPT = {"log.txt", "record.json", "work"}
MEMORY = 40 << 20  # bytes; what libraries and the first launches leave


def held(real: worlds.RealWorld, engine: engines.Engine, temporary: Path) -> Counter[str]:
    """What exists because of launches: in this program, on this host, and in the engine."""
    gc.collect()
    me = psutil.Process()
    return Counter(
        descriptors=me.num_fds(),
        threads=threading.active_count(),
        children=len(me.children(recursive=True)),
        temporary=len(list(temporary.iterdir())),
        locks=len([path for path in real.world.state.rglob("*.lock") if path.parent.name != "services"]),
        engine=len(engine.leftovers()),
    )


@pytest.mark.timeout(1200)
def test_many_launches_leave_nothing_behind(
    real: worlds.RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("hello.py").write_text("import sys\nprint('hello', sys.argv[1])\n")
    requirements = str(worlds.ROOT / "trainer" / "requirements.txt")
    given: dict[str, Any] = {**real.variables, "training_requirements": requirements}

    def submit(number: int) -> samerun.Launch:
        inventory = worlds.INVENTORIES[real.target]
        return samerun.submit("hello.py", args=[str(number)], inventory=inventory, variables=given)

    engine = engines.engine_of(real.world)
    for number in range(3):
        submit(number).wait()
    engines.wait_until(lambda: not engine.leftovers(), "the first ones are gone")
    before, memory = held(real, engine, temporary), psutil.Process().memory_info().rss
    count = int(os.environ.get("SAMERUN_TEST_LAUNCHES", IN_A_ROW[real.target]))

    started = time.monotonic()
    launches = [submit(number) for number in range(count)]
    in_a_row = count / (time.monotonic() - started)
    assert_finished(real, [launch.wait() for launch in launches])
    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        at_once = list(pool.map(submit, range(count, count + AT_ONCE)))
        rate = AT_ONCE / (time.monotonic() - started)
        records = list(pool.map(samerun.Launch.wait, at_once))
    assert_finished(real, records)

    everything = [*launches, *at_once]
    assert len({launch.id for launch in everything}) == count + AT_ONCE
    # An MLflow that is late on a busy machine is said in a line of its own.
    assert [launch.logs().splitlines()[0] for launch in everything] == [
        b"hello %d" % number for number in range(count + AT_ONCE)
    ]
    assert collector.collect(real.world) == ([], [])
    for launch in everything:
        assert {path.name for path in (real.world.runs / launch.id).iterdir()} <= KEPT
    engines.wait_until(lambda: not engine.leftovers(), "nothing is left in the engine")
    more = held(real, engine, temporary) - before
    assert more.pop("descriptors", 0) <= SPARE
    assert more == {}
    assert psutil.Process().memory_info().rss - memory < MEMORY
    with capsys.disabled():
        print(f"\n{real.target}: {in_a_row:.1f} launches a second in a row, {rate:.1f} at once", file=sys.stderr)
    assert os.getcwd() == str(folder)


def assert_finished(real: worlds.RealWorld, records: list[samerun.RunRecord]) -> None:
    others = [record for record in records if record.state != "FINISHED"]
    said = [real.world.folder(record.launch).log.read_text() for record in others]
    assert [f"{record.state} {record.reason} {log}" for record, log in zip(others, said, strict=True)] == []
