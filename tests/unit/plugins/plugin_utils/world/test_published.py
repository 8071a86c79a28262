from __future__ import annotations

from pathlib import Path

from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.world import published


def world(state: Path) -> World:
    there = Endpoint("MLflow", "mlflow", "process", "mlflow", 5000)
    return World("w", "process", state, pair(there), "b", "r", "", "")


def filled(state: Path) -> None:
    for name in (
        "runs/one/record.json",
        "services/mlflow/data/mlflow.db",
        "volumes/x/y",
        "ports.json",
        "contract.json",
        ".credentials.lock",
        "forward/wanted.json",
        "forward.lock",
        "kubernetes-role.yml",
    ):
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text("x")


def test_a_purged_world_leaves_no_folder(tmp_path: Path) -> None:
    filled(tmp_path / "state")
    assert published.forget(world(tmp_path / "state")) == [f"state folder {tmp_path / 'state'}"]
    assert list(tmp_path.iterdir()) == []
    assert published.forget(world(tmp_path / "state")) == []


def test_a_purge_leaves_what_is_not_the_worlds(tmp_path: Path) -> None:
    filled(tmp_path / "home")
    (tmp_path / "home" / "thesis").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_text("")
    (tmp_path / "home" / "credentials.json").symlink_to(tmp_path / "elsewhere" / "kept")
    published.forget(world(tmp_path / "home"))
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis"]
    assert (tmp_path / "elsewhere" / "kept").exists()
