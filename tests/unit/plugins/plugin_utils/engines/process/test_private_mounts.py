from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import private_mounts

LOOK = "import os, sys; print(sorted(os.listdir(sys.argv[1]))); open(os.path.join(sys.argv[1], 'new'), 'w').close()"


def volume(source: Path, path: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"source": str(source), "path": path, "read_only": read_only}


def look(tmp_path: Path, *volumes: dict[str, Any], at: str) -> subprocess.CompletedProcess[str]:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    argv = private_mounts.wrapped([sys.executable, "-c", LOOK, at], list(volumes))
    return subprocess.run(argv, cwd=work, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "file").write_text("content")
    return folder


@pytest.fixture(autouse=True)
def allowed(tmp_path: Path) -> None:
    """Private mounts need Linux, and user namespaces or root."""
    (tmp_path / "probe").mkdir()
    ended = look(tmp_path, volume(tmp_path / "probe", "/samerun-probe"), at="/samerun-probe")
    if ended.returncode == os.EX_UNAVAILABLE:
        assert "allows no private mounts" in ended.stderr
        assert "sudo ln -s" in ended.stderr
        pytest.skip("needs a kernel that allows private mounts: user namespaces, or run as root")


@pytest.mark.parametrize("path", ["/samerun-data", "/samerun/deep/data", "/usr/samerun-data"])
def test_a_folder_is_seen_under_another_name_by_the_command_alone(tmp_path: Path, data: Path, path: str) -> None:
    ended = look(tmp_path, volume(data, path), at=path)
    assert (ended.returncode, ended.stdout) == (0, "['file']\n"), ended.stderr
    assert (data / "new").exists()
    assert not Path(path).exists()
    assert not Path("/samerun").exists()


def test_a_read_only_folder_is_not_written(tmp_path: Path, data: Path) -> None:
    ended = look(tmp_path, volume(data, "/samerun-data", read_only=True), at="/samerun-data")
    assert ended.returncode == 1
    assert "Read-only file system" in ended.stderr
    assert [entry.name for entry in data.iterdir()] == ["file"]


def test_the_host_stays_as_it_is_and_is_seen_as_it_is(tmp_path: Path, data: Path) -> None:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    see = "import os; print(sorted(os.listdir('/etc')) , os.getcwd(), os.getuid(), sorted(os.listdir('/')))"
    argv = private_mounts.wrapped([sys.executable, "-c", see], [volume(data, "/samerun-data")])
    seen = subprocess.run(argv, cwd=work, capture_output=True, text=True, timeout=60, check=True).stdout
    root = sorted([*os.listdir("/"), "samerun-data"])
    assert seen == f"{sorted(os.listdir('/etc'))} {work} {os.getuid()} {root}\n"
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert list((work / private_mounts.ROOT).iterdir()) == []


def test_nothing_is_wrapped_where_the_folder_is_there_already(data: Path) -> None:
    argv = [sys.executable, "x.py"]
    assert private_mounts.wrapped(argv, []) == argv
    assert private_mounts.wrapped(argv, [volume(data, str(data))]) == argv
    assert private_mounts.wrapped(argv, [volume(data, "/elsewhere")])[:2] == [argv[0], private_mounts.__file__]


def test_a_refusal_is_left_as_a_file_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(_volumes: list[dict[str, Any]]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(private_mounts, "_enter", refused)
    with pytest.raises(SystemExit) as ended:
        private_mounts.main(["x", json.dumps([volume(Path("/a"), "/data")]), "true"])
    assert ended.value.code == os.EX_UNAVAILABLE
    reason = json.loads((tmp_path / private_mounts.REFUSAL).read_text())["reason"]
    assert reason == (
        "Failed to show /a at /data to the script: this system allows no private mounts (Operation not permitted). "
        "Make a link instead: sudo ln -s /a /data"
    )
    assert capsys.readouterr().err == f"samerun: {reason}\n"
