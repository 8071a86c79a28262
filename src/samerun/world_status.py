"""Reads the services, launches and contract of a world without a play."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils import contract, files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.masking import MASK
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector, launch_ids
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, proxies
from ansible_collections.samerun.stack.plugins.plugin_utils.world import published
from samerun import worlds
from samerun.variables import Variables

_SECONDS = 2.0


@dataclass(frozen=True)
class ServiceStatus:
    """A service of a world.

    Attributes:
        state: `running`, `starting`, `stopped` or `absent`; of an external service `external` or `unreachable`.
        url: the URL at which this host reaches it.
    """

    name: str
    state: str
    url: str


@dataclass(frozen=True)
class WorldStatus:
    """The services and launches of a world.

    Attributes:
        launches: the records of all launches, newest first.
        settled: the launches that had ended without a follower, and were settled now.
    """

    world: str
    target: str
    services: list[ServiceStatus]
    launches: list[RunRecord]
    settled: list[RunRecord]

    @property
    def running(self) -> list[RunRecord]:
        """The launches that still run."""
        return [record for record in self.launches if record.state is RunState.RUNNING]


def read(world: World) -> WorldStatus:
    """Settle launches that ended without a follower, then read the services and launches of a world."""
    host = host_of(world)
    host.check()
    found, settled = launches(world)
    services = []
    for endpoint in world.endpoints:
        url = endpoint.url("host")
        state = _external(url) if endpoint.external else host.running(endpoint.role, endpoint.name, endpoint.namespace)
        services.append(ServiceStatus(_name(endpoint), state, url))
    return WorldStatus(world.name, world.target, services, found, settled)


def launches(world: World) -> tuple[list[RunRecord], list[RunRecord]]:
    """Settle the launches that ended without a follower, then read all records.

    Returns:
        The records of all launches, newest first, and of those that were settled now.
    """
    settled, alive = collector.collect(world)
    known = {record.launch: record for record in (*collector.records(world), *settled, *alive)}
    newest = sorted(known.values(), key=lambda record: launch_ids.age_key(record.launch), reverse=True)
    return newest, settled


def env(inventory: str, variables: Variables, *, as_json: bool, masked: bool) -> int:
    """Print the contract that `up` wrote for this host."""
    for world in worlds.load(inventory, variables):
        values = files.read_json(published.contract_path(world.state))
        if not values:
            raise SamerunError(
                f"Failed to read the contract of world {world.name}: it was never up.", "Start it: samerun up", CONFIG
            )
        if not _answers(values[contract.name_of("tracking_uri")]):
            hint = probes.starting(probes.TRACKING_URI, ours=not world.mlflow.external)
            print(f"samerun: MLflow does not answer. {hint}", file=sys.stderr)
        # A run gets these from samerun itself; with them `python train.py` behaves like a run.
        values |= {"DO_NOT_TRACK": os.environ.get("DO_NOT_TRACK", "true")}
        values |= proxies.unproxied(os.environ, world.own_hosts("host"))
        shown = {name: MASK if masked and name in contract.keys(secret=True) else values[name] for name in values}
        print(json.dumps(shown, indent=2) if as_json else "\n".join(_export(n, v) for n, v in shown.items()))
    if masked:
        print("samerun: Secrets are masked on a terminal; --show shows them.", file=sys.stderr)
    return 0


def status_as_dict(world: World, found: WorldStatus) -> dict[str, Any]:
    """What `status --json` prints."""
    return {
        "world": found.world,
        "target": found.target,
        "services": [vars(service) for service in found.services],
        "launches": [
            {
                "launch": record.launch,
                "state": record.state.value,
                "record": str(world.folder(record.launch).record),
            }
            for record in found.launches
        ],
    }


def _name(endpoint: Endpoint) -> str:
    return endpoint.role if endpoint.external else endpoint.name


def _external(url: str) -> str:
    return "external" if _answers(url) else "unreachable"


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or {"https": 443}.get(parts.scheme, 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=_SECONDS):
            return True
    except OSError:
        return False


def _export(name: str, value: str) -> str:
    quoted = value.replace("'", "'\"'\"'")
    return f"export {name}='{quoted}'"
