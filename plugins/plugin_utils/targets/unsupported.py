# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses the settings that a target cannot carry out, and names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec
from ansible_collections.samerun.stack.plugins.module_utils.training import Scheduling


def refuse(options: Mapping[str, Any], why: str, hint: str) -> None:
    """Raise an error that names those of `options` (variable to value) that are set.

    Args:
        why: the end of the message: why the target cannot carry them out.
    """
    if given := [variable for variable, value in options.items() if value]:
        listed = " and ".join(given)
        raise SamerunError(
            f"Failed to plan the run: {listed} {'is' if len(given) == 1 else 'are'} set, and {why}.", hint, CONFIG
        )


def cluster_options(spec: RunSpec) -> dict[str, Any]:
    """The options of `spec` that only a cluster can carry out, by their variables."""
    given = spec.training.scheduling
    return {
        "training_node_selector": given.node_selector, "training_tolerations": given.tolerations,
        "training_priority_class": given.priority_class, "training_service_account": given.service_account,
        "training_queue": given.queue,
        "training_start_timeout": given.start_timeout != Scheduling.start_timeout,
    }  # fmt: skip
