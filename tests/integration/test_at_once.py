"""Two people who set one world up at the same moment: both get it, or the second is told who is faster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import worlds

_NAME = f"conf{worlds.SLOT or ''}-at-once"
_PORTS = {"mlflow_port": 5471 + 1000 * worlds.SLOT, "object_store_port": 9482 + 1000 * worlds.SLOT}
_OWN = {
    "process": _PORTS,
    "docker": {
        **_PORTS,
        "object_store_console_port": 9483 + 1000 * worlds.SLOT,
        "samerun_network": f"samerun-{_NAME}",
        "mlflow_name": f"mlflow-{_NAME}",
        "object_store_name": f"minio-{_NAME}",
    },
}


@pytest.mark.parametrize("target", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in _OWN])
def test_two_that_set_a_world_up_at_once_do_not_get_in_each_others_way(target: str, tmp_path: Path) -> None:
    if reason := worlds.missing(target):
        pytest.skip(reason)
    own = {"samerun_world": _NAME, "samerun_state_dir": str(tmp_path / "state")}
    given = {**worlds.VARIABLES[target], **_OWN[target], **own}
    both = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        both.append(worlds.RealWorld(target, tmp_path / name, given, {}))
    try:
        with ThreadPoolExecutor(2) as pool:
            played = list(pool.map(lambda real: real.play("samerun.stack.services"), both))
        again = both[0].play("samerun.stack.services")
    finally:
        worlds.tear_down(both[0])
    assert [one.code for one in played] == [0, 0], "\n".join(one.text for one in played)
    assert (again.code, again.changed) == (0, 0), again.text
