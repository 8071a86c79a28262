"""Launches that follow each other share one reading of the inventory, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import fakes
import pytest
import samples

from samerun import submitting
from samerun.request import Training
from samerun.resolving import Resolved
from samerun.variables import Variables


@pytest.fixture
def readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The inventories that were read, of a world whose target takes every launch."""
    monkeypatch.setattr(submitting, "_read", {})
    world = samples.world(tmp_path / "state")
    fakes.host(monkeypatch, world)
    fakes.target(monkeypatch, world)
    options = samples.world_options(tmp_path / "state", **samples.with_keys())
    script = samples.script(tmp_path)
    found: list[str] = []

    def resolve(inventory: str, _variables: Variables) -> list[Resolved]:
        found.append(inventory)
        return [Resolved(options, samples.training_options(script, env={"FROM": "the inventory"}))]

    monkeypatch.setattr(submitting, "resolve", resolve)
    return found


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.yml"
    path.write_text("samerun: {hosts: {w: {}}}\n")
    return path


def submit(folder: Path, inventory: Path, *args: str) -> str:
    training = Training(str(folder / "project" / "train.py"), args, detach=True)
    return submitting.submit(training, str(inventory), Variables()).launch


def test_launches_of_a_sweep_share_one_reading(tmp_path: Path, readings: list[str], inventory: Path) -> None:
    launches = {submit(tmp_path, inventory, "--lr", str(rate)) for rate in (0.1, 0.01)}
    assert len(launches) == 2
    assert readings == [str(inventory)]


def test_a_change_of_the_inventory_or_the_environment_is_read(
    tmp_path: Path, readings: list[str], inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(tmp_path, inventory)
    inventory.write_text("samerun: {hosts: {w: {mlflow_port: 5001}}}\n")
    submit(tmp_path, inventory)
    monkeypatch.setenv("SOMETHING", "new")
    submit(tmp_path, inventory)
    (inventory.parent / "group_vars").mkdir()
    (inventory.parent / "group_vars" / "samerun.yml").write_text("a: 1\n")
    submit(tmp_path, inventory)
    assert len(readings) == 4


def test_a_reading_counts_for_seconds_only(
    tmp_path: Path, readings: list[str], inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(tmp_path, inventory)
    later = time.monotonic() + submitting._FRESH_SECONDS + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    submit(tmp_path, inventory)
    assert len(readings) == 2


def test_only_some_readings_are_kept(tmp_path: Path, readings: list[str], inventory: Path) -> None:
    training = Training(str(tmp_path / "project" / "train.py"))
    for number in range(12):
        os.utime(inventory, (number, number))
        submitting.resolved(training, str(inventory), Variables())
    assert len(readings) == 12
    assert len(submitting._read) <= 8
