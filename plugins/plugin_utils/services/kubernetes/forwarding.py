# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts, finds again and stops the process that forwards a world's ports (engines/kubernetes/port_forward.py)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import callers, files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import port_forward
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard, ports


def ensure(world: World) -> None:
    """Start the port-forward with the present ports of the world, unless it runs with them already.

    Raises:
        SamerunError: it cannot be started; the message says why.
    """
    folder = _folder(world)
    forwarded = world.own
    wanted: dict[str, Any] = {
        "kubeconfig": os.path.expanduser(world.kubeconfig), "context": world.context, "folder": str(folder),
        "ports": [
            {"local": one.port, "namespace": one.namespace, "service": one.name, "port": one.port} for one in forwarded
        ],
    }  # fmt: skip
    with files.locked(folder.with_suffix(".lock")):
        if files.is_locked(folder / port_forward.LOCK) and files.read_json(folder / "wanted.json") == wanted:
            return
        stop(world)
        for endpoint in forwarded:
            if not ports.is_free(port_forward.HOST, endpoint.port):
                raise SamerunError(
                    f"Failed to forward port {endpoint.port}: another program has it.",
                    f"Move ours: {endpoint.role}_port=N",
                    CANNOT_CREATE,
                )
        files.write_json(folder / "wanted.json", wanted)
        # The caller's whole environment, as for kubectl: a login program of the cluster may need any of it.
        environ = {**callers.inherited(os.environ), guard.MARK: str(folder)}
        if problem := port_forward.start(wanted, folder / "log.txt", environ):
            raise SamerunError(
                f"Failed to forward ports to the services of world {world.name}: {problem}",
                "See that the cluster answers, and that you may create pods/portforward.",
                CANNOT_CREATE,
            )


def stop(world: World) -> None:
    """Stop the port-forward if it runs, and remove its files."""
    folder = _folder(world)
    if folder.exists():
        guard.reap(str(folder))
        shutil.rmtree(folder, ignore_errors=True)


def _folder(world: World) -> Path:
    return world.state / "forward"
