"""Renders the services that roles declare for a target, as a play does, but without a play or an engine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker.host import DockerHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import objects
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service
from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared
from samerun import embedded, resolving
from samerun.variables import Variables

ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = {"process": "process", "docker": "local", "kubernetes": "k8s"}
KEYS = Credentials("the access key", "the secret key", Credentials("runs access", "runs secret"))
# Variables whose values would differ between machines.
_FIXED = {"samerun_state_dir": "/state", "samerun_node_address": "node", "samerun_registry": "registry.example"}


def world_of(target: str, **variables: Any) -> World:
    """Return the world of the packaged inventory for `target`."""
    given = Variables(values={**_FIXED, **variables})
    return World.from_options(resolving.resolve(INVENTORIES[target], given)[0].world)


def service_of(role: str, target: str, **variables: Any) -> tuple[ServiceHost, Service]:
    """A service of that world as it will run, and where."""
    with embedded.entered():
        from ansible.parsing.dataloader import DataLoader
        from ansible.template import Templar

        loader = DataLoader()
        defaults, internal = resolving._ours()
        inventory = embedded.read(loader, ROOT / "inventories" / INVENTORIES[target] / "hosts.yml")
        own = embedded.read(loader, *sorted((declared.ROLES / role / "vars" / "main").glob("*.yml")))
        beside = embedded.read(loader, declared.ROLES / role / "defaults" / "main.yml")
        given = {**_FIXED, "role_path": str(declared.ROLES / role), **variables}
        known = {**beside, **defaults, **inventory["samerun"]["vars"], **given, **internal, **own}
        options = Templar(loader=loader, variables=known).template({"service": known[f"__{role}_service"]})
        options = resolving._validated(options, SERVICE_SPEC, role)["service"]
    host = host_of(world_of(target, **variables))
    return host, host.service(options)


def rendered(role: str, target: str, **variables: Any) -> dict[str, Any]:
    """Return the whole request to an engine for a service, as plain data."""
    host, service = service_of(role, target, **variables)
    found: dict[str, Any] = {
        "secrets": {name: content.decode() for name, content in service.rendered_secrets(KEYS.named).items()}
    }
    if isinstance(host, ProcessHost):
        venv = str(host._venv(service))
        return {
            **found,
            "program": host._program(service).replace(venv, "<venv>"),
            "requirements": [*service.requirements],
        }
    if isinstance(host, DockerHost):
        host.__dict__["client"] = SimpleNamespace(images=SimpleNamespace(get=lambda _name: None))
        request = {name: value for name, value in host._request(service).items() if name != "engine"}
        return {**found, "request": request, "sha256": service.sha256}
    return {**found, "objects": objects.objects(service, host.world), "sha256": service.sha256}


def declaration(role: str) -> dict[str, Any]:
    """Return the content of a service's data file, with its templates."""
    text = (declared.ROLES / role / "vars" / "main" / "service.yml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)[f"__{role}_service"]
    return found
