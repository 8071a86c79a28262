# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kept port-forward of a world, see engines/port_forward.py: started, found again, stopped."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract, files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import guard
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import port_forward


def ensure(world: World) -> None:
    """See to it that the forward runs, with the ports that the world has now.

    Raises:
        SamerunError: it cannot be started, with why.
    """
    folder = _folder(world)
    wanted: dict[str, Any] = {
        "kubeconfig": os.path.expanduser(world.kubeconfig), "context": world.context, "folder": str(folder),
        "ports": [
            {"local": one.port, "namespace": one.namespace, "service": one.name, "port": one.port}
            for one in (world.mlflow, world.object_store) if not one.external
        ],
    }  # fmt: skip
    with files.locked(folder.with_suffix(".lock")):
        if files.is_locked(folder / port_forward.LOCK) and files.read_json(folder / "wanted.json") == wanted:
            return
        stop(world)
        for row in wanted["ports"]:
            _require_free(world, int(row["local"]))
        files.write_json(folder / "wanted.json", wanted)
        # As the caller's own kubectl would: what logs in to a cluster may need all of it.
        environ = {**contract.inherited(os.environ), guard.MARK: _mark(folder)}
        if problem := port_forward.start(wanted, folder / "log.txt", environ):
            raise SamerunError(
                f"Failed to forward ports to the services of world {world.name}: {problem}",
                "See that the cluster answers, and that you may create pods/portforward.",
                CANNOT_CREATE,
            )


def stop(world: World) -> None:
    """End the forward, if there is one, with the files that its login needed."""
    folder = _folder(world)
    if folder.exists():
        guard.reap(_mark(folder))
        shutil.rmtree(folder, ignore_errors=True)


def _require_free(world: World, port: int) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", port))
        except OSError as error:
            role = next(one.role for one in (world.mlflow, world.object_store) if one.port == port)
            raise SamerunError(
                f"Failed to forward port {port}: another program has it ({error.strerror}).",
                f"Move ours: {role}_port=N",
                CANNOT_CREATE,
            ) from error


def _folder(world: World) -> Path:
    return world.state / "forward"


def _mark(folder: Path) -> str:
    return str(folder)
