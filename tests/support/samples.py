"""Worlds, services, launches and records for unit tests, made from the options that modules take.

A test gives only the options that it is about. This file alone fills in the others, from the argument specs.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import world_options as options

from ansible_collections.samerun.stack.plugins.module_utils.options import DECLARED, SERVICE_SPEC, TRAINING_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.run import Environment, RunRecord, RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.training import Training
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import training_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Service

KEYS = Credentials("the access key", "the secret key")
PAIR = Credentials("the access key", "the secret key", Credentials("access key of runs", "secret key of runs"))
LAUNCH = "train-20260101-000000-abcd"

_NAMES = {
    "mlflow": {"name": "mlflow", "namespace": "monitoring", "port": 5000, "node_port": 30500},
    "object_store": {"name": "minio", "namespace": "storage", "port": 9000, "node_port": 30900},
}
_PORT = {"name": "s3", "port": 9000, "variable": "object_store_port", "node_port": 30900}
_DECLARED = {
    "role": "object_store", "title": "the S3 store", "name": "minio", "namespace": "storage", "ports": [_PORT],
    "data": "minio-data", "kind": "minio", "targets": ["process", "docker", "kubernetes"],
}  # fmt: skip
_SERVICE = {
    **_DECLARED, "image": "minio:1", "command": ["serve"], "data_path": "/data", "health": {"http": "/health"},
    "secret_files": {"keys": "${access_key}:${secret_key}"},
}  # fmt: skip


def world_options(state: Path, target: str = "process", **given: Any) -> dict[str, Any]:
    """The option `world` of every module; `given` are those that differ, by role for a service's own."""
    named = {role: {**names, **given.get(role, {})} for role, names in _NAMES.items()}
    common = {"target": target, "state_dir": str(state), "node_address": "localhost"}
    return options.world_options(**{**common, **given, **named})


def world(state: Path, target: str = "process", **given: Any) -> World:
    """Return a world whose state is in the folder `state`; see `world_options`."""
    return World.from_options(world_options(state, target, **given))


def with_keys(**store: Any) -> dict[str, Any]:
    """Return arguments for `world` and `world_options` that give a world the keys of `KEYS`."""
    access_key, secret_key = KEYS.values
    return {"object_store": {"access_key": access_key, "secret_key": secret_key, **store}}


def service_options(**given: Any) -> dict[str, Any]:
    """The option `service` of modules: the store, but for what is `given`."""
    return options.filled(SERVICE_SPEC["service"]["options"], {**_SERVICE, **given})


def service(**given: Any) -> Service:
    """Return the service that `service_options` make."""
    return Service.from_options(service_options(**given), {})


def claim_options(**given: Any) -> dict[str, Any]:
    """A service as the option `world` declares it: the store, but for what is `given`."""
    return options.filled(DECLARED, {**_DECLARED, **given})


def claim(**given: Any) -> Claim:
    """Return the claim that `claim_options` make."""
    return Claim.from_options(claim_options(**given), {})


def training_options(script: Path, **given: Any) -> dict[str, Any]:
    """The option `training` of the module training_run."""
    return options.filled(TRAINING_SPEC["training"]["options"], {"script": str(script), **given})


def training(of: World, script: Path, **given: Any) -> Training:
    """Return the training that `training_options` make."""
    return training_of(training_options(script, **given), of)


def script(folder: Path, text: str = "print()\n") -> Path:
    """Write a script to `folder`, as its project folder; return its path."""
    path = folder / "project" / "train.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def spec(of: World, **given: Any) -> RunSpec:
    """Return a launch as data, in the world `of`, on the world's target."""
    viewpoint = {"process": "host", "docker": "container", "kubernetes": "pod"}[of.target]
    own = {field.name for field in fields(RunSpec)}
    asked = {field.name for field in fields(Training)} & given.keys() - own
    training = Training(target=of.target, script="train.py", name="train", **{name: given.pop(name) for name in asked})
    known = RunSpec(
        launch=LAUNCH, world=of.name, training=training, script_sha256="5c" * 32,
        bundle_sha256="b0" * 32, fingerprint="f1" * 32,
        environment=Environment("python", "trainer:1"), contract=of.contract(viewpoint, KEYS), bucket=of.bucket,
    )  # fmt: skip
    return replace(known, **given)


def record(launch: str = LAUNCH, **given: Any) -> RunRecord:
    """Return the record of a launch with the values `given` and empty others."""
    known = RunRecord(
        launch=launch, name="train", world="w", target="process", script="train.py", script_sha256="",
        bundle_sha256="", fingerprint="", contract={}, image="", tracking_uri="",
    )  # fmt: skip
    return replace(known, **given)
