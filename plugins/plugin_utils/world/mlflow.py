# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world's MLflow, as the controller uses it."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

_SCHEMES = {contract.DIRECT: "mlflow-artifacts:", contract.PROXIED: "s3:"}  # of what is not written in a mode


def tracking(world: World) -> Tracking:
    """A client that says what the world's MLflow asks for; never what the environment of this process holds."""
    return Tracking(world.mlflow.url("host"), login=world.login, direct=not world.mlflow.external)


def probe(world: World) -> None:
    """Look whether MLflow answers this host and, where runs write through it, takes an artifact.

    Raises:
        ProbeError: it does not.
    """
    ours = not world.mlflow.external
    probes.probe_tracking(world.mlflow.url("host"), "host", world.login, direct=ours, ours=ours)
    if world.artifact_mode == contract.PROXIED:
        probes.probe_artifacts(tracking(world), "host")


def put(world: World, name: str, content: bytes) -> None:
    """Keep `content` in the store through MLflow.

    Raises:
        SamerunError: MLflow does not take it.
    """
    server = tracking(world)
    try:
        keeping.Artifacts(keeping.PROXY, server, None).put(name, content)
    except keeping.KeepingError as error:
        raise SamerunError(
            f"Failed to put {name} through MLflow at {server.uri}: {error}.",
            "Does it serve artifacts? samerun check looks.",
            UNAVAILABLE,
        ) from error


def unwritable(world: World) -> list[str]:
    """Experiments whose artifacts runs of this world's mode cannot write: their place was fixed when they were made."""
    found = tracking(world).experiment_locations()
    return sorted(name for name, location in found.items() if location.startswith(_SCHEMES[world.artifact_mode]))
