# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes the external services of a world from the controller."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.world import mlflow, store

# MLflow and the store must do what runs need; any other service only has to answer.
_PROBES = {"mlflow": mlflow.probe, "object_store": store.probe}


def unusable(world: World) -> list[str]:
    """Say why this host cannot use an external service, for each one; runs may still reach it from elsewhere."""
    found = []
    for endpoint in world.endpoints:
        if not endpoint.external:
            continue
        try:
            if probe := _PROBES.get(endpoint.role):
                probe(world)
            else:
                setting = f"{endpoint.role}_endpoint"
                probes.probe_tcp(endpoint.service, setting, endpoint.url("host"), "host", ours=False)
        except (probes.ProbeError, SamerunError) as error:
            found.append(f"{error.message} {error.hint}")
    return found
