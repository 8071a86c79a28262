# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access to the world's MLflow from the controller."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, probes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

_SCHEMES = {contract.DIRECT: "mlflow-artifacts:", contract.PROXIED: "s3:"}  # the scheme that a mode cannot write


def tracking(world: World) -> Tracking:
    """A client with the login of the world; the environment variables of this process are not used."""
    return Tracking(world.mlflow.url("host"), login=world.login, direct=not world.mlflow.external)


def probe(world: World) -> None:
    """Probe from this host whether MLflow answers and, if runs write through it, accepts an artifact.

    Raises:
        ProbeError: MLflow does not answer, or refuses the artifact.
    """
    ours = not world.mlflow.external
    probes.probe_tracking(world.mlflow.url("host"), "host", world.login, direct=ours, ours=ours)
    if world.artifact_mode == contract.PROXIED:
        probes.probe_artifacts(tracking(world), "host")


def put(world: World, name: str, content: bytes) -> None:
    """Upload `content` to the store through MLflow.

    Raises:
        SamerunError: MLflow does not accept it.
    """
    server = tracking(world)
    try:
        keeping.Artifacts(keeping.PROXY, server, None).put(name, content)
    except keeping.KeepingError as error:
        raise SamerunError(
            f"Failed to put {name} through MLflow at {server.uri}: {error}.",
            "Does it serve artifacts? samerun check probes it.",
            UNAVAILABLE,
        ) from error


def unwritable(world: World) -> list[str]:
    """The names of the experiments whose artifacts runs cannot write in this world's artifact mode.

    When an experiment is made, MLflow fixes where its artifacts go.
    """
    found = tracking(world).experiment_locations()
    return sorted(name for name, location in found.items() if location.startswith(_SCHEMES[world.artifact_mode]))
