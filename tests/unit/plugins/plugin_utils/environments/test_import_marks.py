from __future__ import annotations

import dataclasses
import os
import venv
from pathlib import Path
from typing import Any

import pytest
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import Environment
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources.checks import Sources
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import import_marks

SOURCES = Sources(("train.py",), ("torch", "mlflow:log_metric"), {"torch": "a hint", "other": "another"})
BUILT = Environment("python", "samerun/trainer:0123", "samerun/trainer@sha256:1", "0123")
PASSED = {"imports": {"imported": True, "mlflow": "3.13.0"}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    there = Endpoint("MLflow", "mlflow", "process", "mlflow", 5000)
    return World("w", "process", tmp_path, pair(there), "b", "r", "", "")


def wanted(world: World, environment: Environment = BUILT, sources: Sources = SOURCES) -> dict[str, Any]:
    return import_marks.wanted(world, environment, sources)


def keep(world: World, environment: Environment, sources: Sources, report: dict[str, Any]) -> None:
    """A launch that told `report`, from its start to its end."""
    import_marks.expect(world, "a-launch", environment, sources)
    import_marks.settle(world, "a-launch", report)
    assert list((world.runs / "a-launch").glob("*")) == []


def test_what_was_never_tried_is_wanted_with_its_hints(world: World) -> None:
    assert wanted(world) == {
        "names": ["torch", "mlflow:log_metric"], "hints": {"torch": "a hint"}, "lenient": False, "stirs": False,
        "where": "samerun/trainer:0123", "ask": True,
    }  # fmt: skip


def test_what_passed_is_not_tried_again_and_only_what_is_new_is(world: World) -> None:
    keep(world, BUILT, SOURCES, PASSED)
    assert wanted(world) == {"names": [], "where": "samerun/trainer:0123", "mlflow": "3.13.0"}
    more = dataclasses.replace(SOURCES, imports=(*SOURCES.imports, "numpy"))
    assert wanted(world, sources=more)["names"] == ["numpy"]


@pytest.mark.parametrize(
    "report", [{}, {"exit_code": 1}, {"exit_code": 1, "imports": {}}, {"imports": {"imported": False}}]
)
def test_what_did_not_pass_is_tried_again(world: World, report: dict[str, Any]) -> None:
    keep(world, BUILT, SOURCES, report)
    assert wanted(world)["names"] == ["torch", "mlflow:log_metric"]


def test_an_unchanged_launch_notes_nothing(world: World) -> None:
    keep(world, BUILT, SOURCES, PASSED)
    import_marks.expect(world, "another", BUILT, SOURCES)
    assert not (world.runs / "another").exists()


def test_a_script_that_ended_well_has_imported_it_all(world: World) -> None:
    keep(world, BUILT, SOURCES, {"exit_code": 0, "imports": {}})
    assert wanted(world)["names"] == []


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(BUILT, digest="samerun/trainer@sha256:2"),
        dataclasses.replace(BUILT, image="samerun/trainer:4567"),
        dataclasses.replace(BUILT, python="python3.12"),
    ],
    ids=["made again", "another image", "another interpreter"],
)
def test_another_environment_is_tried(world: World, other: Environment) -> None:
    keep(world, BUILT, SOURCES, PASSED)
    assert wanted(world, other)["names"]


@pytest.mark.parametrize("image", ["mine", "mine:latest", "registry:5000/mine"])
def test_an_image_that_may_move_is_tried_each_time(world: World, image: str) -> None:
    environment = Environment("python", image, key=image)
    keep(world, environment, SOURCES, PASSED)
    assert wanted(world, environment)["names"]
    known = dataclasses.replace(environment, digest="mine@sha256:1")
    keep(world, known, SOURCES, PASSED)
    assert not wanted(world, known)["names"]


def test_an_interpreter_of_the_users_is_tried_again_once_something_was_installed(world: World, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    environment = Environment(str(tmp_path / "venv" / "bin" / "python"))
    keep(world, environment, SOURCES, PASSED)
    assert not wanted(world, environment)["names"]
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    os.utime(site, ns=(1, 1))
    assert wanted(world, environment)["names"]


def test_an_interpreter_that_shares_the_systems_packages_is_tried_each_time(world: World, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", system_site_packages=True, with_pip=False, symlinks=True)
    for environment in (Environment(str(tmp_path / "venv" / "bin" / "python")), Environment("/nowhere/bin/python")):
        keep(world, environment, SOURCES, PASSED)
        assert wanted(world, environment)["names"]


# ---- the version of MLflow ------------------------------------------------------------------


@pytest.mark.parametrize(
    "requirements, least",
    [
        ("mlflow==3.14.0", "3.14.0"),
        ("torch\nmlflow==3.17.* # new\n", "3.17"),
        ("mlflow-skinny[x]>=3.15,<4 ; python_version > '3'", "3.15"),
        ("MLflow~=3.16\n", "3.16"),
        ("mlflow==3.13.*", "3.13"),
        ("mlflow==2.9.2", "2.9.2"),
        ("mlflow>=2", "2"),
        ("mlflow<4", "1.0.0"),
        ("mlflow", ""),
        ("-r other.txt\n--index-url https://x\n\nboto3\nmlflow @ https://x/mlflow.whl", ""),
        ("", ""),
    ],
)
def test_the_least_version_that_requirements_admit(requirements: str, least: str) -> None:
    assert import_marks.certain_version(requirements) == least


def refuses(world: World, requirements: str, log_model: str = "train.py, line 8") -> bool:
    sources = dataclasses.replace(SOURCES, log_model=log_model)
    try:
        import_marks.refuse_model(world, BUILT, sources, requirements)
    except SamerunError as error:
        return error.message.startswith("Failed to check train.py, line 8: mlflow.pytorch.log_model without")
    return False


def test_a_model_is_refused_where_the_version_is_sure_to_refuse_it(world: World) -> None:
    assert refuses(world, "mlflow>=3.14")
    assert not refuses(world, "mlflow>=3.14", log_model="")
    assert not refuses(world, "mlflow>=3.10")
    assert not refuses(world, "")


def test_what_is_installed_counts_more_than_what_is_asked_for(world: World) -> None:
    keep(world, BUILT, SOURCES, {"imports": {"imported": True, "mlflow": "3.17.2"}})
    assert refuses(world, "mlflow>=3")
