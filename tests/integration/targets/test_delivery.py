"""How code gets to where it runs: it travels, is mounted, or is built into an image."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import difficult
import launches
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine as docker_engine

Launch = Callable[..., launches.Launched]
DELIVERIES = {
    "process": {"mount": "", "image": "runs no images"},
    "docker": {"mount": "", "image": ""},
    "kubernetes": {"mount": "the nodes have no folder of this host", "image": ""},
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of nearly 50 MB: thousands of files beside all that a copy likes to lose."""
    project = difficult.project(tmp_path_factory.mktemp("large"))
    (project / "weights.bin").write_bytes(os.urandom(45_000_000))
    for number in range(3000):
        folder = project / "many" / f"sub folder {number % 50}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"größe {number}.py").write_text(f"VALUE = {number}\n")
    return project


def test_a_large_project_arrives_whole(launch: Launch, large: Path, world: World, temporary: Path) -> None:
    started = time.monotonic()
    there = launch(script=str(large / "probe.py")).dump["tree"]
    print(f"{world.target}: {len(there)} files of 50 MB, launched and looked at in {time.monotonic() - started:.1f} s")
    here = difficult.tree_of(large)
    many = {name for name in here if name.startswith("many/")}
    assert len(many) == 3000
    assert there == {name: here[name] for name in {*many, *difficult.DELIVERED, "weights.bin"}}
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("delivery", ["mount", "image"])
def test_a_delivery_works_or_is_refused(world: World, launch: Launch, project: Path, delivery: str) -> None:
    (project / "beside.py").write_text("VALUE = 1\n")
    if refused := DELIVERIES[world.target][delivery]:
        with pytest.raises(SamerunError, match=rf"training_delivery \({delivery}\) is set, and .*{refused}"):
            launch(delivery=delivery)
        return
    dump = launch({"import": ["beside"]}, delivery=delivery).dump
    assert sorted(dump["tree"]) == ["beside.py", "probe.py"]
    if delivery == "image":
        assert dump["new_file"] == "written"
    elif world.target == "process":
        assert (dump["cwd"], dump["new_file"]) == (str(project), "written")
        assert (project / "made by the script").exists(), "the project itself is the working folder"
    else:
        assert dump["new_file"] == "OSError", "the project is mounted to be read"
    assert (project / "beside.py").read_text() == "VALUE = 1\n"


@pytest.mark.parametrize("real", ["process", "docker"], indirect=True)
def test_an_edit_of_a_mounted_project_shows_at_once(world: World, project: Path, trainer: dict[str, Any]) -> None:
    script = "import time\nprint(open('note').read(), flush=True)\ntime.sleep(2)\nprint(open('note').read())"
    (project / "train.py").write_text(script)
    note = project / "note"
    note.write_text("before")
    shown: list[bytes] = []

    def edit(piece: bytes) -> None:
        shown.append(piece)
        note.write_text("after")

    launcher = launches.Launcher(
        world,
        launches.training(world, {"script": str(project / "train.py"), "delivery": "mount", **trainer}),
        lambda _line: None,
        edit,
    )
    launcher.run(*launcher.spec())
    assert b"".join(shown) == b"before\nafter\n"


@pytest.fixture(autouse=True)
def no_images_are_left(real: worlds.RealWorld) -> Iterator[None]:
    """Images of code are small layers of their trainer's; those of the tests are removed."""
    yield
    if real.target != "process":
        client = docker_engine.connect()
        for image in client.images.list():
            for tag in image.tags:
                if "/code:" in tag or tag.startswith("samerun/code:"):
                    client.images.remove(tag)
        client.close()


@pytest.mark.parametrize("real", ["docker"], indirect=True)
def test_a_mounted_project_of_another_machine_is_refused(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(SamerunError, match=r"192\.0\.2\.1:2375 has no folder of this host"):
        launch(delivery="mount")
