# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world's MLflow, as the controller uses it."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.tracking import Tracking


def tracking(world: World) -> Tracking:
    """A client that says what the world's MLflow asks for; never what the environment of this process holds."""
    return Tracking(world.mlflow.url("host"), login=world.login)


def probe(world: World) -> None:
    """Look whether MLflow answers this host.

    Raises:
        ProbeError: it does not.
    """
    probes.probe_tracking(world.mlflow.url("host"), "host", world.login)
