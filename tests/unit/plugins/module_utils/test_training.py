from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.training import Training, Volume


@pytest.mark.parametrize("source, named", [("data", True), (str(Path("/data")), False)])
def test_a_volume_is_a_folder_or_a_name(source: str, named: bool) -> None:
    assert Volume(source, "/x").named is named


def test_engines_take_the_project_folder_itself_and_not_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert Training("process", "train.py", project=str(tmp_path / "link")).folder == str(tmp_path)


def test_secret_variables_are_out_of_the_repr() -> None:
    assert "canary" not in repr(Training("process", "train.py", secret_env={"S": "canary"}))
