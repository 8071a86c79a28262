"""A store and a service that somebody adds to a copy of samerun: one file, and one role, and nothing else.

It holds what docs/architecture.md says of adding them.
"""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typed
import worlds

ROLE = Path(__file__).parent / "data" / "page"
PACKAGED = ("collections", "inventories", "meta", "playbooks", "plugins", "roles", "src", "trainer")
# The store that is copied under another name, and so is a new one.
MODELS = {"process": "seaweedfs", "docker": "minio", "kubernetes": "minio"}
_BESIDE = 80  # ports between those of this worker's other integration tests and these
_NODES = 5


@dataclass(frozen=True)
class Added(typed.Place):
    """Where somebody types commands about the copy."""

    tree: Path = Path()

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.tree / 'src'}:{self.tree / 'collections'}"
        return {**super().environment, "PYTHONPATH": path}


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name), id=name) for name in MODELS])
def added(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Added]:
    """A copy with a store and a service more; its world goes with all it holds."""
    target = request.param
    if reason := worlds.missing(target):
        pytest.skip(reason)
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in PACKAGED:
        shutil.copytree(
            worlds.ROOT / name, tree / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for path in worlds.ROOT.glob("*.*"):
        if path.is_file():
            shutil.copy(path, tree)
    stores = tree / "roles" / "object_store" / "vars" / "main"
    model = MODELS[target]
    (stores / "another.yml").write_text((stores / f"{model}.yml").read_text().replace(f"_{model}:", "_another:"))
    shutil.copytree(ROLE, tree / "roles" / "page")
    folder = tmp_path / "place"
    folder.mkdir()
    (folder / "given.json").write_text(json.dumps(variables(target, tmp_path)))
    inventory = ("-i", worlds.INVENTORIES[target], "-e", f"@{folder / 'given.json'}")
    found = Added(folder, tmp_path / "unused", inventory, tree=tree)
    try:
        yield found
    finally:
        found.must("down", "--purge", "--yes")


def variables(target: str, folder: Path) -> dict[str, Any]:
    """The tests' own names and ports, beside those of the other worlds."""
    given = dict(worlds.VARIABLES[target])
    for name, value in worlds.VARIABLES[target].items():
        if name.endswith("_node_port"):
            given[name] = value + _NODES
        elif name.endswith("_port"):
            given[name] = value + _BESIDE
        elif name in ("mlflow_name", "object_store_name", "samerun_network") or name.endswith("_namespace"):
            given[name] = f"{value}-added"
    name = f"{given['samerun_world']}-added"
    page = {"page_name": f"page-{name}", "page_namespace": name, "page_port": given["mlflow_port"] + 8}
    if target == "kubernetes":
        page |= {"page_node_port": given["mlflow_node_port"] + 1, "page_image": pushed()}
    return {**given, **page, "samerun_world": name, "samerun_store": "another", "samerun_state_dir": str(folder / "s")}


def pushed() -> str:
    """The image of the page, where the cluster's nodes pull from."""
    import machines

    image, wanted = "python:3.11-slim-bookworm", f"{worlds.REGISTRY}/page-of-tests"
    client = machines.docker_client()
    client.images.get(image).tag(wanted, "1")
    client.images.push(wanted, "1")
    client.images.remove(f"{wanted}:1")
    return f"{wanted}:1"


def test_a_store_is_one_file_and_a_service_one_role(added: Added) -> None:
    up = added.must("up").text
    urls = dict(re.findall(r"^(MLflow|S3 store|Page) +(\S+)$", up, re.MULTILINE))
    assert set(urls) == {"MLflow", "S3 store", "Page"}, up

    services = added.status()["services"]
    assert [service["state"] for service in services] == ["running"] * 3
    assert {service["url"] for service in services} == set(urls.values())

    token = fetched(f"{urls['Page']}/token.txt")
    assert re.fullmatch(r"t-[0-9]{40}", token)
    assert re.fullmatch(r"http://[-a-z0-9.]+:\d+", fetched(f"{urls['Page']}/address.txt"))

    again = added.must("-v", "up")
    assert set(re.findall(r"changed=(\d+)", again.text + again.err)) == {"0"}
    assert token not in up + again.text + again.err

    refused = added.run("-e", "page_prot=1", "up")
    assert "Did you mean page_port?" in refused.err

    added.must("down")
    assert [service["state"] for service in added.status()["services"]] == ["absent"] * 3
    added.must("up")
    assert fetched(f"{urls['Page']}/token.txt") == token, "data and secrets stay"


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text
