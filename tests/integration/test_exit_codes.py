"""Exit codes of the command that a healthy world never sees; those of an ordinary day are tested where they come up."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import worlds
import yaml
from typed import Ended, Place

FOREIGN = "samerun-tests-foreign"


def failure(ended: Ended) -> str:
    """The one line that says what failed."""
    (line,) = [line for line in ended.err.splitlines() if line.startswith("samerun: Failed to ")]
    return line


@pytest.fixture
def foreign() -> Iterator[Any]:
    """A container of somebody else, which was never started."""
    from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine

    client = engine.connect()
    container = client.containers.create(worlds.MINIO_IMAGE, name=FOREIGN)
    try:
        yield container
    finally:
        container.remove()
        client.close()


@pytest.mark.docker
@pytest.mark.skipif(bool(worlds.missing("docker")), reason=worlds.missing("docker") or "-")
def test_a_container_of_somebody_else_under_our_name_is_73_and_stays(foreign: Any, tmp_path: Path) -> None:
    there = Place(tmp_path, tmp_path / "state", ("-i", "local"))
    # Beside the world of other tests, where nothing but this name is taken.
    given = worlds.VARIABLES["docker"]
    ports = {name: value + 5 for name, value in given.items() if name.endswith("_port")}
    names = dict.fromkeys(("samerun_world", "samerun_network", "object_store_name"), "samerun-tests-exit-codes")
    named = {**given, **ports, **names, "mlflow_name": FOREIGN}
    there.write("samerun.yml", json.dumps(named))
    ended = there.run("up")
    assert ended.code == os.EX_CANTCREAT
    assert FOREIGN in failure(ended)
    assert "mlflow_name" in failure(ended)
    foreign.reload()
    assert foreign.status == "created"


@pytest.mark.kubernetes
@pytest.mark.skipif(bool(worlds.missing("kubernetes")), reason=worlds.missing("kubernetes") or "-")
def test_a_token_that_the_cluster_does_not_know_is_77(tmp_path: Path) -> None:
    known = yaml.safe_load(Path(worlds.KUBECONFIG).read_text())
    known["users"] = [{"name": user["name"], "user": {"token": "of-yesterday"}} for user in known["users"]]
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(known))
    there = Place(tmp_path, tmp_path / "state", ("-i", "k8s", "-e", f"samerun_kubeconfig={tmp_path / 'kubeconfig'}"))
    for verb in ("up", "status"):
        ended = there.run(verb)
        assert ended.code == os.EX_NOPERM
        assert "does not accept our credentials" in failure(ended)
