"""Complete worlds with the names that users have, controlled only by playbooks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import machines
import psutil
import pytest
import requests
import worlds
from botocore.client import Config
from plays import ROOT, Play, play

INVENTORIES = {"process": "process", "docker": "local", "kubernetes": "k8s"}
NAMESPACES = {"monitoring", "storage", "training"}
_THE_ENGINES = ("object_store_image", "samerun_kubeconfig", "samerun_registry")
_BESIDE = 60  # offset of these ports: between those of this worker's integration tests and the next worker's


@dataclass
class Stack:
    """One world.

    Attributes:
        target: process, docker or kubernetes.
        variables: variables of every play, in addition to the inventory.
        folder: a separate folder; its folder `state` is the world's state.
    """

    target: str
    folder: Path
    variables: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return INVENTORIES[self.target]

    @property
    def inventory(self) -> Path:
        return ROOT / "inventories" / self.name

    @property
    def state(self) -> Path:
        return self.folder / "state" / "samerun" / self.name

    def play(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None, **variables: Any) -> Play:
        """Run a playbook; it may fail."""
        own = {"XDG_STATE_HOME": str(self.folder / "state"), **self.environment, **(environment or {})}
        given, before = {**self.variables, **variables}, self.launches
        done = play(name, *arguments, inventory=self.inventory, variables=given, environment=own)
        return replace(done, launches=tuple(sorted(self.launches - before)))

    def train(self, script: Path, **variables: Any) -> dict[str, Any]:
        """Launch `script` and return its record."""
        return self.record(self.play("train", training_script=str(script), **variables).launch)

    @property
    def launches(self) -> set[str]:
        return {path.parent.name for path in self.state.glob("runs/*/record.json")}

    def record(self, launch: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.state / "runs" / launch / "record.json").read_text())
        return found

    def log(self, launch: str) -> str:
        return (self.state / "runs" / launch / "log.txt").read_text()

    def observed(self, launch: str) -> dict[str, Any]:
        """Return what tests/scripts/observe.py printed."""
        line = next(line for line in self.log(launch).splitlines() if line.startswith("observed "))
        found: dict[str, Any] = json.loads(line.removeprefix("observed "))
        return found

    @property
    def contract(self) -> dict[str, str]:
        """Return the contract for this host."""
        found: dict[str, str] = json.loads((self.state / "contract.json").read_text())
        return found

    def mlflow(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """POST `body` to a path of MLflow's REST API, or GET the path without a body."""
        url = f"{self.contract['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/{path}"
        answer = requests.post(url, json=body, timeout=30) if body else requests.get(url, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def runs(self) -> dict[str, dict[str, str]]:
        """Return name, status and artifact location of all MLflow runs, by id."""
        body = {"max_results": 1000}
        experiments = self.mlflow("experiments/search", body)["experiments"]
        found = self.mlflow("runs/search", {**body, "experiment_ids": [e["experiment_id"] for e in experiments]})
        return {
            run["info"]["run_id"]: {
                "name": run["info"]["run_name"],
                "status": run["info"]["status"],
                "artifacts": run["info"]["artifact_uri"],
            }
            for run in found.get("runs", [])
        }

    @property
    def s3(self) -> Any:
        contract = self.contract
        return boto3.client(
            "s3", endpoint_url=contract["MLFLOW_S3_ENDPOINT_URL"], region_name="us-east-1",
            aws_access_key_id=contract["AWS_ACCESS_KEY_ID"], aws_secret_access_key=contract["AWS_SECRET_ACCESS_KEY"],
            config=Config(request_checksum_calculation="when_required", s3={"addressing_style": "path"}),
        )  # fmt: skip

    def keys(self, uri: str) -> set[str]:
        """Return the names of the objects below an `s3://` URI, relative to it."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return {row["Key"].removeprefix(f"{prefix}/") for page in pages for row in page.get("Contents", [])}


def variables(target: str) -> dict[str, Any]:
    """Return the variables that the tests' engines need in addition to an inventory; skip if there is no engine."""
    if reason := worlds.missing(target):
        pytest.skip(reason)
    given = worlds.VARIABLES[target]
    found = {name: given[name] for name in _THE_ENGINES if name in given}
    # Each worker also has a process world to compare with; only one of these can have the default ports.
    if target == "process" and worlds.SLOT:
        found |= {name: given[name] + _BESIDE for name in ("mlflow_port", "object_store_port")}
    return found


def in_the_way(target: str) -> list[str]:
    """Return the objects on an engine that already have the default names."""
    if target == "docker":
        client, names = machines.docker_client(), {"mlflow", "minio", "samerun", "mlflow-data", "minio-data"}
        there = [*client.containers.list(all=True), *client.networks.list(), *client.volumes.list()]
        return sorted(f"{type(one).__name__.lower()} {one.name}" for one in there if one.name in names)
    if target == "kubernetes":
        there = [item["metadata"]["name"] for item in machines.cluster().items("/api/v1/namespaces")]
        return sorted(f"namespace {name}" for name in there if name in NAMESPACES)
    return []


def require_free_names(target: str) -> None:
    """Skip the test if somebody else uses the default names; fail on a machine that was set up for tests."""
    if found := in_the_way(target):
        reason = f"needs the default names free, and {', '.join(found)} is there: remove it, or use another engine"
        pytest.fail(reason) if machines.prepared() else pytest.skip(reason)


def snapshot(target: str) -> set[str]:
    """Return the names of all objects on an engine of the kinds that a world creates."""
    if target == "docker":
        client = machines.docker_client()
        there = [*client.containers.list(all=True), *client.networks.list(), *client.volumes.list()]
        images = {f"image {tag}" for image in client.images.list() for tag in image.tags}
        return images | {f"{type(one).__name__.lower()} {one.name}" for one in there}
    if target == "kubernetes":
        cluster = machines.cluster()
        return set(cluster.everything(NAMESPACES)) | {
            item["metadata"]["name"] for item in cluster.items("/api/v1/namespaces")
        }
    return {" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])}


def until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait until `condition` is true; return its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


def digest(value: str) -> str:
    """Return the digest of a value as tests/scripts/observe.py prints it."""
    return hashlib.sha256(value.encode()).hexdigest()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
