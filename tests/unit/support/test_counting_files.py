"""A file that a test leaves is found and named, where samerun and Ansible put theirs."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from counting import Counter, Kept
from counting_files import LaunchFiles, TemporaryFiles, temporary

from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process.supervisor import Supervisor
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking


@pytest.fixture
def place() -> Iterator[Path]:
    with temporary() as folder:
        yield folder


@pytest.fixture
def world(tmp_path: Path) -> Kept:
    return Kept("shared", tmp_path / ("long" * 20) / "state", lambda: Tracking(""))


@pytest.fixture
def counter(place: Path, world: Kept) -> Counter:
    (world.state / "runs" / "one").mkdir(parents=True)
    found = Counter([TemporaryFiles(place), LaunchFiles()])
    found.keep(world)
    found.begin()
    return found


def test_a_temporary_file_and_what_is_in_a_folder_are_named(counter: Counter, place: Path) -> None:
    handle, name = tempfile.mkstemp()
    os.close(handle)
    folder = Path(tempfile.mkdtemp(prefix="samerun-play-"))
    (folder / "variables.yml").touch()
    (Path(os.environ["ANSIBLE_LOCAL_TEMP"]) / "ansible-local-1" / "content").mkdir(parents=True)
    (place / "ansible-local-2").mkdir()  # which holds nothing
    assert set(counter.left(0)) == {
        f"temporary file {name}",
        f"temporary folder {folder} (variables.yml)",
        f"temporary folder {place}/ansible-local-1 (content)",
    }


def test_the_folder_goes_and_everything_is_as_it_was() -> None:
    before = tempfile.gettempdir(), dict(os.environ)
    with temporary() as folder:
        assert tempfile.gettempdir() == str(folder)
        tempfile.mkdtemp()
    assert not folder.exists()
    assert (tempfile.gettempdir(), dict(os.environ)) == before


def test_the_socket_of_a_world_that_is_kept_is_not_left(counter: Counter, world: Kept) -> None:
    socket = Supervisor(world.state / "services").socket
    socket.parent.mkdir()
    socket.touch()
    assert counter.left(0) == []
    counter.forget(world.name)
    assert counter.left(0) == [f"temporary folder {socket.parent} (s.sock)"]


@pytest.mark.parametrize("name", ["follower.lock", "log.part", "submitted.json", "restarts.lock", ".left-abc"])
def test_what_only_carries_a_launch_is_found(counter: Counter, world: Kept, name: str) -> None:
    path = world.state / "runs" / "one" / name
    path.touch()
    assert counter.left(0) == [f"file {path}"]


@pytest.mark.parametrize("name", [".credentials.lock", "runs/.one.lock"])
def test_a_lock_of_a_world_is_found(counter: Counter, world: Kept, name: str) -> None:
    (world.state / name).touch()
    assert counter.left(0) == [f"file {world.state / name}"]


def test_what_a_launch_is_to_leave_is_not_left(counter: Counter, world: Kept) -> None:
    for name in ("log.txt", "record.json"):
        (world.state / "runs" / "one" / name).touch()
    for name in ("outputs", "work"):
        (world.state / "runs" / "one" / name).mkdir()
    assert counter.left(0) == []


def test_what_the_clusters_client_keeps_for_this_program_is_not_left(
    counter: Counter, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "key").touch()
    library = SimpleNamespace(_temp_files={"content": str(place / "key")})
    monkeypatch.setitem(sys.modules, "kubernetes.config.kube_config", library)
    assert counter.left(0) == []
    library._temp_files.clear()
    assert counter.left(0) == [f"temporary file {place / 'key'}"]
