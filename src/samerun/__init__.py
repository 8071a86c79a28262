"""One unchanged training script: as a process, in Docker and on Kubernetes.

import samerun

samerun.up()
record = samerun.run("train.py", args=["--epochs", "3"])
print(record.state, [run.url for run in record.mlflow_runs])
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Launch", "RunRecord", "RunState", "SamerunError", "WorldStatus", "__version__",
    "attach", "cancel", "down", "logs", "run", "runs", "status", "submit", "up", "wait",
]  # fmt: skip

_STACK = "ansible_collections/samerun/stack"

# The folder that holds the collection of the same version: beside this package if installed, else in the checkout.
COLLECTIONS = next(
    (
        folder
        for folder in (Path(__file__).parents[1], Path(__file__).parents[2] / "collections")
        if (folder / _STACK).is_dir()
    ),
    Path(__file__).parents[1],
)
STACK = COLLECTIONS / _STACK

# In a checkout the collection is imported from there, without being installed.
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

if TYPE_CHECKING:
    from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
    from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunState
    from samerun.api import attach, cancel, down, logs, run, runs, status, submit, up, wait
    from samerun.launch import Launch
    from samerun.world_status import WorldStatus

_UTILS = "ansible_collections.samerun.stack.plugins.module_utils"
_FROM = {
    "Launch": "samerun.launch",
    "RunRecord": f"{_UTILS}.run",
    "RunState": f"{_UTILS}.run",
    "SamerunError": f"{_UTILS}.errors",
    "WorldStatus": "samerun.world_status",
    **dict.fromkeys(
        ("attach", "cancel", "down", "logs", "run", "runs", "status", "submit", "up", "wait"), "samerun.api"
    ),
}


def __getattr__(name: str) -> Any:
    # Imported late, so that `samerun --help` takes no longer than Python itself.
    if name in _FROM:
        return getattr(importlib.import_module(_FROM[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
