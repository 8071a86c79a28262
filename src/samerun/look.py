"""What is read without a play: services, launches and the contract."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils import contract, files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.masking import MASK
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import collector, published
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from samerun import worlds
from samerun.variables import Variables

_SHOWN = 10  # launches; --json has them all
_SECONDS = 2.0


def status(inventory: str, variables: Variables, *, as_json: bool) -> int:
    """Print the services and launches of a world, and settle those that ended unwatched."""
    found = [_look(world) for world in worlds.load(inventory, variables)]
    if as_json:
        print(json.dumps(found[0] if len(found) == 1 else found, indent=2))
        return 0
    for world in found:
        print(f"{world['world']} ({world['target']})")
        for service in world["services"]:
            print(f"  {service['name']:<12}{service['state']:<12}{service['url']}")
        shown = world["launches"][:_SHOWN]
        width = max((len(launch["launch"]) for launch in shown), default=0)
        for launch in shown:
            print(f"  {launch['launch']:<{width}}  {launch['state']:<8}  {launch['record']}")
        if not world["launches"]:
            print("  nothing was trained yet")
    return 0


def env(inventory: str, variables: Variables, *, as_json: bool, masked: bool) -> int:
    """Print the contract that `up` wrote for this host."""
    for world in worlds.load(inventory, variables):
        values = files.read_json(published.contract_path(world.state))
        if not values:
            raise SamerunError(
                f"Failed to read the contract of world {world.name}: it was never up.", "Start it: samerun up", CONFIG
            )
        if not _answers(values[contract.name_of("tracking_uri")]):
            print("samerun: MLflow does not answer. Start it: samerun up", file=sys.stderr)
        shown = {name: MASK if masked and name in contract.keys(secret=True) else values[name] for name in values}
        print(json.dumps(shown, indent=2) if as_json else "\n".join(_export(n, v) for n, v in shown.items()))
    if masked:
        print("samerun: Secrets are masked on a terminal; --show shows them.", file=sys.stderr)
    return 0


def _look(world: World) -> dict[str, Any]:
    host = host_of(world)
    host.check()
    settled, alive = collector.collect(world)
    for record in settled:
        print(f"samerun: {record.launch} ended unwatched: {record.state} {record.reason}".rstrip(), file=sys.stderr)
    services = []
    for endpoint in (world.mlflow, world.object_store):
        url = endpoint.url("host")
        state = _external(url) if endpoint.external else host.running(endpoint.role, endpoint.name, endpoint.namespace)
        services.append({"name": _name(endpoint), "state": state, "url": url})
    known = {record.launch: record for record in (*collector.records(world), *settled, *alive)}
    newest = sorted(known.values(), key=lambda record: record.launch[-20:], reverse=True)
    return {
        "world": world.name,
        "target": world.target,
        "services": services,
        "launches": [_launch(world, record) for record in newest],
    }


def _launch(world: World, record: RunRecord) -> Mapping[str, str]:
    path = collector.record_path(world, record.launch)
    return {"launch": record.launch, "state": str(record.state), "record": str(path)}


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
