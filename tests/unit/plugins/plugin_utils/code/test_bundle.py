from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import difficult
import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.code import bundle

# Ignore files (folder to text), and which of FILES they leave.
FILES = ("train.py", "a.log", "keep.log", "data/x.bin", "data/keep/y.bin", "src/data/z.bin", "src/a.log")
IGNORES = {
    "nothing": ({}, set(FILES)),
    "a pattern": ({"": "*.log\n"}, {"train.py", "data/x.bin", "data/keep/y.bin", "src/data/z.bin"}),
    "an exception": ({"": "*.log\n!keep.log\n"}, set(FILES) - {"a.log", "src/a.log"}),
    "a folder of the root": ({"": "/data/\n"}, set(FILES) - {"data/x.bin", "data/keep/y.bin"}),
    "a folder anywhere": ({"": "data/\n"}, {"train.py", "a.log", "keep.log", "src/a.log"}),
    "a sub-folder's own": ({"src": "data/\n"}, set(FILES) - {"src/data/z.bin"}),
    "a sub-folder's exception": ({"": "*.log\n", "src": "!a.log\n"}, set(FILES) - {"a.log", "keep.log"}),
    "a comment": ({"": "# *\n\n"}, set(FILES)),
}


def members(packed: bundle.Bundle) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(packed.data)) as archive:
        return {member.name: member for member in archive}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_what_lies_in_a_project_travels(tmp_path: Path) -> None:
    assert set(members(bundle.pack(difficult.project(tmp_path)))) == difficult.DELIVERED


@pytest.mark.parametrize("name", bundle.IGNORE_FILES)
@pytest.mark.parametrize("case", IGNORES)
def test_ignore_files_count_as_git_reads_them(project: Path, case: str, name: str) -> None:
    texts, left = IGNORES[case]
    for folder, text in texts.items():
        (project / folder / name).write_text(text)
    found = {member for member in members(bundle.pack(project)) if Path(member).name != name}
    assert found == left


@pytest.mark.parametrize("excepted", [False, True])
def test_what_is_never_code_stays_unless_an_ignore_file_says_otherwise(project: Path, excepted: bool) -> None:
    for name in ("venv/a.py", "src/venv/b.py", "__pycache__/c.pyc", "src/d.pyc", "src/venv.py"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).touch()
    if excepted:
        (project / ".samerunignore").write_text("!/venv/\n")
    found = members(bundle.pack(project)).keys() - {*FILES, ".samerunignore"}
    assert found == {"src/venv.py", *(["venv/a.py"] if excepted else [])}
    assert (bundle.stays(project, "venv/a.py") == "") == excepted


def test_equal_trees_have_one_hash_whoever_packs_them_and_when(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(project, copy)
    for number, path in enumerate(sorted(copy.rglob("*"), reverse=True)):
        os.utime(path, (number, number))
    (copy / "train.py").chmod(0o600)
    one, other = bundle.pack(project), bundle.pack(copy)
    assert (one.sha256, one.data) == (other.sha256, other.data)
    assert one.files == len(FILES)


@pytest.mark.parametrize("change", ["content", "name", "executable", "link"])
def test_the_hash_follows_what_changes_a_run(project: Path, change: str) -> None:
    before = bundle.pack(project).sha256
    script = project / "train.py"
    if change == "content":
        script.write_text("other")
    elif change == "name":
        script.rename(project / "other.py")
    elif change == "executable":
        script.chmod(0o755)
    else:
        script.unlink()
        script.symlink_to("a.log")
    assert bundle.pack(project).sha256 != before


def test_nobodys_name_travels(project: Path) -> None:
    (project / "train.py").chmod(0o4755)
    found = members(bundle.pack(project)).values()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found} == {(0, 0, "", "", 0)}
    assert {oct(m.mode) for m in found} == {"0o644", "0o755"}


def test_a_hard_link_is_two_files_and_a_socket_none(project: Path) -> None:
    os.link(project / "train.py", project / "twin.py")
    os.mkfifo(project / "fifo")
    found = members(bundle.pack(project))
    assert found["twin.py"].isreg()
    assert found["twin.py"].size == len("train.py")


@pytest.mark.parametrize("folder", ["/", "~"])
def test_root_and_home_are_no_projects(folder: str) -> None:
    with pytest.raises(SamerunError, match=r"the project folder is .*training_project"):
        bundle.pack(Path(folder).expanduser())


def test_home_is_refused_through_a_link_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(SamerunError, match=r"the project folder is"):
        bundle.pack(link)


def test_more_than_50_mb_are_refused_with_the_largest_named(project: Path) -> None:
    for name, size in {"data/weights.bin": 40, "video.mp4": 9, "small.bin": 2}.items():
        with (project / name).open("wb") as sparse:
            sparse.truncate(size * 1024 * 1024)
    with pytest.raises(SamerunError) as caught:
        bundle.pack(project)
    assert "data/weights.bin (41.9 MB), video.mp4 (9.4 MB), small.bin (2.1 MB)" in caught.value.message
    assert "50 MB" in caught.value.message
    assert ".samerunignore" in caught.value.hint
    (project / ".samerunignore").write_text("*.bin\n")
    assert "video.mp4" in members(bundle.pack(project))


def test_what_cannot_be_read_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(SamerunError, match=r"a\.log: Permission denied.*\.samerunignore"):
        bundle.pack(project)


def test_a_folder_that_cannot_be_read_is_named_and_not_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "closed").mkdir()
    listed = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "closed":  # root may read everything
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SamerunError, match=r"closed: Permission denied.*\.samerunignore"):
        bundle.pack(project)


def test_a_file_that_vanishes_while_it_is_packed_is_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = bundle.pack(project).sha256
    listed = bundle._members
    monkeypatch.setattr(bundle, "_members", lambda root: [*listed(root), "gone.swp"])
    assert bundle.pack(project).sha256 == there
