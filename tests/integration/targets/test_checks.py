"""What is looked at before a script starts, where it will run; the same on every target."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import addresses
import difficult
import engines
import launches
import pytest
import trackers
import world_options
import worlds
from watches import Watch

from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import import_marks
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher

Launch = Callable[..., launches.Launched]
DEADLINE = 10.0  # seconds, for all of it together; a machine with far more to do than it has cores gets more


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known yet to import anywhere."""
    known = import_marks._path
    monkeypatch.setattr(
        import_marks, "_path", lambda world, env: (path := known(world, env)) and tmp_path / "marks" / path.name
    )


@pytest.fixture
def needs(tmp_path: Path) -> Path:
    """A project that imports in every way."""
    return Path(shutil.copytree(difficult.DATA / "needs", tmp_path / "needs"))


def refused(ended: launches.Launched) -> str:
    """The one line of a launch whose script was not started."""
    (only,) = ended.log.decode().splitlines()
    assert (ended.record.state, ended.record.exit_code) == (RunState.FAILED, None)
    assert ended.record.reason in only
    assert ended.record.hint
    return only


def test_what_a_script_needs_is_tried_once_where_it_will_run(
    world: World, launch: Launch, fresh: None, needs: Path, trainer: dict[str, Any]
) -> None:
    first = launch(script=str(needs / "train.py"))
    assert first.record.state is RunState.FINISHED, first.log
    assert b"True None" in first.log
    launcher = Launcher(
        world, launches.training(world, {"script": str(needs / "train.py"), **trainer}), print, lambda _piece: None
    )
    spec, _code = launcher.spec()
    environment = launcher.target.prepare(launcher.training.environment, spec.environment)
    wanted = import_marks.wanted(world, environment, launcher.sources)
    assert set(launcher.sources.imports) == {"mlflow", "boto3", "botocore.config:Config"}
    assert (wanted["names"], wanted["mlflow"][:5]) == ([], "3.13.")


def test_a_module_that_is_not_there_is_told_before_anything_of_the_script_runs(
    world: World, launch: Launch, engine: engines.Engine, fresh: None, needs: Path
) -> None:
    (needs / "lib" / "data.py").write_text("import torchvison\n")
    (needs / "train.py").write_text("print('started')\nimport torch\nimport lib.data\n")
    watch = Watch()
    ended = launch(script=str(needs / "train.py"))
    assert watch.within(DEADLINE)
    line = refused(ended)
    assert "Failed to import torchvison in " in line
    assert "ModuleNotFoundError: No module named 'torchvison'. Add it to the requirements" in line
    engines.wait_until(lambda: not engine.leftovers(ended.record.launch), "nothing is left")


@pytest.fixture
def elsewhere(world: World) -> Iterator[trackers.Tracker]:
    """A tracking server on this machine, where a script of this target reaches it."""
    with trackers.tracker(addresses.of_this_machine(world)) as server:
        yield server


@pytest.mark.parametrize(
    "change, says",
    [
        ({"ahead": 600.0}, "its clock is 600 s ahead of the one here"),
        ({"version": "2.9.2"}, "Failed to use MLflow 2.9.2 by the trainer's MLflow 3.13."),
    ],
    ids=["clock", "version"],
)
def test_a_server_that_does_not_fit_is_told(
    world: World, launch: Launch, elsewhere: trackers.Tracker, change: dict[str, Any], says: str
) -> None:
    for name, value in change.items():
        setattr(elsewhere, name, value)
    there = world_options.elsewhere(world, mlflow=elsewhere.url)
    watch = Watch()
    line = refused(launch(on=there))
    assert watch.within(DEADLINE)
    assert says in line.replace("599 s", "600 s").replace("601 s", "600 s")


@pytest.mark.process
@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_a_play_warns_of_an_override_and_of_a_run_that_recorded_nothing(
    real: worlds.RealWorld, tmp_path: Path, trainer: dict[str, Any]
) -> None:
    (tmp_path / "train.py").write_text(
        "import os\nos.environ['AWS_ACCESS_KEY_ID'] = 'x'\nimport mlflow\nmlflow.set_tracking_uri('http://elsewhere:1')\n"
    )
    given = {"training_script": str(tmp_path / "train.py"), "training_requirements": trainer["requirements"]}
    played = real.play("samerun.stack.train", **given)
    assert played.code == 0, played.text
    warnings = " ".join(re.findall(r"\[WARNING\]: (.*)", played.text))
    assert "The contract is overridden: train.py, line 2: the script itself sets AWS_ACCESS_KEY_ID." in warnings
    assert "The contract is overridden: train.py, line 4: set_tracking_uri" in warnings
    assert "train.py ended well, and 0 MLflow runs were recorded of it." in warnings


def test_names_that_are_commands_elsewhere_are_data_here(
    world: World, launch: Launch, tmp_path: Path, engine: engines.Engine
) -> None:
    abuse = "; touch pwned; $(touch pwned) `touch pwned` $(HOME) {{ 1 + 1 }} ../../x"
    folder = tmp_path / "$(touch pwned)"
    folder.mkdir()
    shutil.copy(difficult.PROBE, folder / "; touch pwned #.py")
    ended = launch(script=str(folder / "; touch pwned #.py"), name=abuse, args=[abuse], env={"ABUSE": abuse})
    assert (ended.dump["args"], ended.dump["environ"]["ABUSE"]) == ([abuse], abuse)
    assert (ended.record.name, ended.record.script) == (abuse, "; touch pwned #.py")
    assert sorted(ended.dump["tree"]) == ["; touch pwned #.py"]
    assert launches.record_on_disk(world, ended.record.launch)["name"] == abuse
    engines.wait_until(lambda: not engine.leftovers(ended.record.launch), "nothing is left")
