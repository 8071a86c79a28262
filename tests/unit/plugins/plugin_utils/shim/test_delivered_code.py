"""The code of a launch is unpacked into a fresh folder, or the run does not start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils.code import bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.delivered_code import DeliveredCode
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

SERVER = Tracking("http://127.0.0.1:1")


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text("print()\n")
    path = tmp_path / "bundle.tar.gz"
    path.write_bytes(bundle.pack(project).data)
    return path


def code(folder: Path, **given: Any) -> DeliveredCode:
    return DeliveredCode({"work": str(folder / "work"), "viewpoint": "host", **given}, {}, SERVER, None)


def test_the_folder_holds_the_code_and_nothing_of_an_attempt_before(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "half_written").touch()
    code(tmp_path, bundle=str(packed)).unpack()
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["train.py"]


def test_a_project_that_is_mounted_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "train.py").touch()
    code(tmp_path, mounted=True).unpack()
    assert (tmp_path / "work" / "train.py").exists()


@pytest.mark.parametrize("share", [0, 0.1, 0.5])
def test_a_bundle_that_is_not_whole_is_told_in_one_line(tmp_path: Path, packed: Path, share: float) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(probes.ProbeError, match=f"^Failed to unpack the code in {tmp_path / 'work'}: "):
        code(tmp_path, bundle=str(packed)).unpack()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(probes.ProbeError, match="Not a directory") as caught:
        code(tmp_path / "file", bundle=str(packed)).unpack()
    assert "may the run write there" in caught.value.hint


def test_a_run_without_keys_fetches_its_code_through_mlflow(
    tmp_path: Path, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = packed.read_bytes()
    monkeypatch.setattr(keeping.Artifacts, "get", lambda _artifacts, name: data if name == "the key" else b"")
    code(tmp_path, bundle_key="the key", bucket="b", artifacts=contract.PROXIED).unpack()
    assert (tmp_path / "work" / "train.py").exists()


def test_code_that_mlflow_does_not_give_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_artifacts: keeping.Artifacts, name: str) -> bytes:
        raise keeping.KeepingError(f"{name}: 404")

    monkeypatch.setattr(keeping.Artifacts, "get", refuse)
    with pytest.raises(probes.ProbeError, match="Failed to fetch the code through MLflow: the key: 404"):
        code(tmp_path, bundle_key="the key", bucket="b", artifacts=contract.PROXIED).unpack()
