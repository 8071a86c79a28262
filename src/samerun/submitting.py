"""Starting a launch in this very process: a play for each would take longer than the launch itself."""

from __future__ import annotations

import logging

from ansible_collections.samerun.stack.plugins.plugin_utils.attach import Attached
from ansible_collections.samerun.stack.plugins.plugin_utils.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.preflight import check_run
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from samerun import plays, worlds
from samerun.variables import Variables

_LOGGER = logging.getLogger("samerun")


def submit(training: plays.Training, inventory: str, variables: Variables) -> Attached:
    """Check what a play would check, and start the launch.

    Raises:
        SamerunError: the script was not started.
    """
    found = worlds.only(worlds.resolve(inventory, plays.with_training(variables, training)), inventory)
    world, wanted, warnings = check_run(found.world, found.training)
    for line in warnings:
        _LOGGER.warning("%s", line)
    launcher = Launcher(world, wanted, _silent, _silent)
    spec, code = launcher.spec()
    launcher.target.plan(spec)  # refuses what the target cannot do
    record = launcher.run(spec, code, detach=True)
    # A target of its own: a handle that nobody uses holds no connection.
    return Attached(world, record, TARGETS[record.target](world))


def _silent(_said: object) -> None:
    pass
