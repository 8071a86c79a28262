"""Starting a launch in this very process: a play for each would take longer than the launch itself."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.launches.attach import Attached
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.preflight import check_run
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from samerun import inventories, plays, worlds
from samerun.resolving import Resolved, resolve
from samerun.variables import Variables

_LOGGER = logging.getLogger("samerun")
# Most of a launch's time would go into reading the same inventory again: one reading counts for those that follow.
_FRESH_SECONDS = 5.0
_KEPT = 8
_lock = threading.Lock()
_read: dict[str, tuple[float, Resolved]] = {}


def submit(training: plays.Training, inventory: str, variables: Variables) -> Attached:
    """Check what a play would check, and start the launch.

    Raises:
        SamerunError: the script was not started.
    """
    # What differs between the launches of a sweep is data, and no part of what is read.
    found = _resolved(inventory, plays.with_training(variables, replace(training, args=(), env={})))
    options = {**found.training, "env": {**found.training["env"], **training.env}}
    if training.args:
        options["args"] = list(training.args)
    launcher, warnings = check_run(found.world, options)
    for line in warnings:
        _LOGGER.warning("%s", line)
    record = launcher.run(*launcher.spec(), detach=True)
    # A target of its own: a handle that nobody uses holds no connection.
    return Attached(launcher.world, record, TARGETS[record.target](launcher.world))


def _resolved(inventory: str, variables: Variables) -> Resolved:
    key = _key(inventory, variables)
    with _lock:
        if key in _read and time.monotonic() - _read[key][0] < _FRESH_SECONDS:
            return _read[key][1]
    found = worlds.only(resolve(inventory, variables), inventory)
    with _lock:
        for old in sorted(_read, key=lambda known: _read[known][0])[: max(0, len(_read) - _KEPT + 1)]:
            del _read[old]
        _read[key] = (time.monotonic(), found)
    return found


def _key(inventory: str, variables: Variables) -> str:
    """What a reading depends on, as a hash: files, variables, environment, working folder."""
    path = Path(inventories.located(inventory))
    beside = (path.parent / name for name in ("group_vars", "host_vars"))
    folders = [path] if path.is_dir() else [folder for folder in beside if folder.is_dir()]
    files = [path, *variables.files, *(file for folder in folders for file in folder.rglob("*"))]
    seen = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.exists()]
    parts = (seen, variables.as_yaml(), sorted(os.environ.items()), os.getcwd())
    return hashlib.sha256(repr(parts).encode()).hexdigest()
