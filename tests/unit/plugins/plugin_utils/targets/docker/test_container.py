"""What the Docker Engine is asked for, also with an overlay of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.training import Volume
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker import container
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.instructions import MOUNT


def config(state: Path, **given: Any) -> dict[str, Any]:
    world = samples.world(state, "docker")
    found: dict[str, Any] = container.described(world, samples.spec(world, **given), {"S": "***"}, "container")[
        "config"
    ]
    return found


def test_a_launch_is_found_by_its_name_and_labels(tmp_path: Path) -> None:
    world = samples.world(tmp_path, "docker")
    found = container.described(world, samples.spec(world), {}, "container")
    assert found["name"] == container.container_name(samples.LAUNCH)
    labels = found["config"]["Labels"]
    assert (labels[WORLD_LABEL], labels[LAUNCH_LABEL]) == ("w", samples.LAUNCH)
    assert samples.LAUNCH in labels[RECORD_LABEL]


def test_secrets_are_as_they_were_given_beside_what_is_plain(tmp_path: Path) -> None:
    assert {"S": "***", "A": "1"}.items() <= config(tmp_path, env={"A": "1"})["Env"].items()


def test_the_network_is_the_worlds_unless_another_is_named(tmp_path: Path) -> None:
    assert config(tmp_path)["HostConfig"]["NetworkMode"] == "samerun"
    assert config(tmp_path, network="host")["HostConfig"]["NetworkMode"] == "host"


def test_a_named_volume_is_the_engines_and_a_folder_this_hosts(tmp_path: Path) -> None:
    mounts = config(tmp_path, volumes=(Volume("data", "/data"), Volume("/here", "/there", read_only=True)))
    assert mounts["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": False},
        {"Type": "bind", "Source": "/here", "Target": "/there", "ReadOnly": True},
    ]


def test_a_project_that_is_mounted_is_the_working_folder_and_cannot_be_written(tmp_path: Path) -> None:
    (mount,) = config(tmp_path, delivery=MOUNT, project=str(tmp_path))["HostConfig"]["Mounts"]
    assert mount == {"Type": "bind", "Source": str(tmp_path), "Target": "/samerun/work", "ReadOnly": True}


@pytest.mark.parametrize("env", [{"A": "2"}, ["A=2"]], ids=["mapping", "list"])
def test_an_overlay_adds_to_what_is_ours(tmp_path: Path, env: Any) -> None:
    found = config(tmp_path, env={"A": "1", "B": "1"}, overlay={"Env": env, "HostConfig": {"ShmSize": 1}})
    assert {"A": "2", "B": "1"}.items() <= found["Env"].items()
    assert (found["HostConfig"]["ShmSize"], found["HostConfig"]["NetworkMode"]) == (1, "samerun")


@pytest.mark.parametrize("labels", [None, {WORLD_LABEL: "another", "mine": "1"}])
def test_no_overlay_hides_a_launch(tmp_path: Path, labels: Any) -> None:
    found = config(tmp_path, overlay={"Labels": labels})["Labels"]
    assert (found[WORLD_LABEL], found.get("mine")) == ("w", (labels or {}).get("mine"))


def test_a_terminal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SamerunError, match="Tty of training_overlay is set"):
        config(tmp_path, overlay={"Tty": True})
