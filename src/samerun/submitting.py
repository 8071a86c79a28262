"""Reads, checks and submits a launch in this process, without a play."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.launches import preflight
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.attach import Attached
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.preflight import unseen
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from samerun import inventories, worlds
from samerun.request import Training, with_training
from samerun.resolving import Resolved, resolve
from samerun.variables import Variables

_LOGGER = logging.getLogger("samerun")
# Reading the inventory would take most of a launch's time. Launches that follow soon use the same reading.
_FRESH_SECONDS = 5.0
_KEPT = 8
_lock = threading.Lock()
_read: dict[str, tuple[float, list[Resolved]]] = {}


def submit(training: Training, inventory: str, variables: Variables) -> Attached:
    """Check what a play would check, and submit the launch.

    Raises:
        SamerunError: the script was not started.
    """
    found = worlds.only(resolved(training, inventory, variables), inventory)
    launcher, overrides = checked(found, training)
    for line in (*found.warnings, *overrides):
        _LOGGER.warning("%s", line)
    host_of(launcher.world).reach()
    record = launcher.run(*launcher.spec(), detach=True)
    # A new target without an open connection: the caller may keep the handle without using it.
    return Attached(launcher.world, record, TARGETS[record.target](launcher.world))


def resolved(training: Training, inventory: str, variables: Variables) -> list[Resolved]:
    """Resolve each world of the inventory and the training, from the cache if they were resolved just before.

    Raises:
        SamerunError: the script or the inventory cannot be read, or it names no world.
    """
    asked = with_training(variables, training)
    key = _key(inventory, asked)
    with _lock:
        if key in _read and time.monotonic() - _read[key][0] < _FRESH_SECONDS:
            return _read[key][1]
    found = resolve(inventory, asked)
    with _lock:
        for old in sorted(_read, key=lambda known: _read[known][0])[: max(0, len(_read) - _KEPT + 1)]:
            del _read[old]
        _read[key] = (time.monotonic(), found)
    return found


def checked(
    found: Resolved,
    training: Training,
    say: Callable[[str], None] = unseen,
    show: Callable[[bytes], None] = unseen,
) -> tuple[Launcher, list[str]]:
    """Check a training in one world.

    Args:
        say, show: as `Launcher` takes them.

    Returns:
        The launcher, and a warning for each place where the sources override the contract.

    Raises:
        SamerunError: the first problem found.
    """
    options = {**found.training, "env": {**found.training["env"], **training.env}}
    if training.args:
        options["args"] = list(training.args)
    seen = preflight.check(found.world, options, say=say, show=show)
    assert seen.launcher is not None  # noqa: S101 - a training was asked for
    return seen.launcher, list(seen.warnings)


def _key(inventory: str, variables: Variables) -> str:
    """The hash of everything that a reading depends on: files, variables, environment, working folder."""
    path = Path(inventories.located(inventory))
    beside = (path.parent / name for name in ("group_vars", "host_vars"))
    folders = [path] if path.is_dir() else [folder for folder in beside if folder.is_dir()]
    files = [path, *variables.files, *(file for folder in folders for file in folder.rglob("*"))]
    seen = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.exists()]
    parts = (seen, variables.as_yaml(), sorted(os.environ.items()), os.getcwd())
    return hashlib.sha256(repr(parts).encode()).hexdigest()
