"""Makes the option `world` of every module, for tests that make a world without a play."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import rendering

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.options import DECLARED, WORLD_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import World

_SPEC: dict[str, Any] = WORLD_SPEC["world"]["options"]
_SECRETS = {"object_store": rendering.declaration("object_store")["secrets"]}
_TARGETS = ["process", "docker", "kubernetes"]
_TITLES = {"object_store": "the S3 store", "mlflow": "MLflow"}


def filled(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with the defaults of an argument spec added."""
    return {name: given.get(name, one.get("default")) for name, one in spec.items()}


def service(role: str, **given: Any) -> dict[str, Any]:
    """A service as its data file declares it, with one port."""
    numbers: dict[str, Any] = {name: given[name] for name in ("port", "node_port") if name in given}
    port: dict[str, Any] = {"name": "http", "variable": f"{role}_port", **numbers}
    names = {"role": role, "title": _TITLES.get(role, role), "name": role, "data": f"{role}-data"}
    return filled(DECLARED, {**names, "targets": _TARGETS, "ports": [port], "secrets": _SECRETS.get(role, {}), **given})


def world_options(
    mlflow: Mapping[str, Any] | None = None, object_store: Mapping[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    """Return the option `world`, with the options of MLflow and of the store at their places in it."""
    store = {"name": "minio", "port": 9000, **(object_store or {})}
    server = {"name": "mlflow", "port": 5000, "needs": ["object_store"], **(mlflow or {})}
    found = filled(_SPEC, {"name": "w", "target": "docker", **given})
    found["mlflow"] = filled(_SPEC["mlflow"]["options"], server)
    found["object_store"] = filled(_SPEC["object_store"]["options"], store)
    found["services"] = [service("object_store", **store), service("mlflow", **server), *given.get("services", [])]
    return found


def port(options: Mapping[str, Any], role: str = "mlflow") -> int:
    """The port of a service in an option `world`."""
    (found,) = (service for service in options["services"] if service["role"] == role)
    return int(found["ports"][0]["port"])


def elsewhere(world: World, **urls: str) -> World:
    """Return `world` with external services: role to URL."""
    moved = {role: dataclasses.replace(world.services[role], external=url) for role, url in urls.items()}
    return dataclasses.replace(world, services={**world.services, **moved})


def pair(mlflow: Endpoint, object_store: Endpoint | None = None) -> dict[str, Endpoint]:
    """Return the services of a world; without `object_store`, `mlflow` stands for the store too."""
    return {"object_store": object_store or mlflow, "mlflow": mlflow}
