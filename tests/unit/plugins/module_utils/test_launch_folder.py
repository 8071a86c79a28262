"""The files of a launch lie in its folder, under the names that earlier versions gave them."""

from __future__ import annotations

from pathlib import Path

import samples

from ansible_collections.samerun.stack.plugins.module_utils.launch_folder import LOCK, LaunchFolder


def test_every_file_lies_in_the_folder_under_a_name_of_its_own() -> None:
    folder = LaunchFolder(Path("/state/runs/x"))
    names = [name for name, value in vars(LaunchFolder).items() if isinstance(value, property)]
    paths: list[Path] = [getattr(folder, name) for name in names]
    assert {path.parent for path in paths} == {folder.path}
    assert len(set(paths)) == len(names)


def test_what_earlier_versions_left_is_found() -> None:
    folder = LaunchFolder(Path("x"))
    kept = (folder.record, folder.submitted, folder.log, folder.log_part, folder.outputs)
    assert [path.name for path in kept] == ["record.json", "submitted.json", "log.txt", "log.part", "outputs"]
    assert folder.lock.name == LOCK == "follower.lock"


def test_a_world_has_one_for_each_launch(tmp_path: Path) -> None:
    assert samples.world(tmp_path).folder("a").path == tmp_path / "runs" / "a"
