# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks whether the trainer's version of MLflow fits the script and the server."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.probes import ProbeError

_LOG_MODEL_WANTS_EXAMPLE = (3, 14)


def example_problem(where: str, version: str) -> ProbeError | None:
    """Return the error if MLflow `version` refuses the model that is logged at `where` (file and line, or empty)."""
    if not where or not version or parsed(version) < _LOG_MODEL_WANTS_EXAMPLE:
        return None
    return ProbeError(
        f"Failed to check {where}: mlflow.pytorch.log_model without input_example is refused by MLflow {version}, "
        "after the last epoch.",
        'Pass input_example or serialization_format="pickle", or require mlflow==3.13.* (training_requirements).',
    )


def refuse_newer(client: str, server: str, warn: Callable[[str], Any]) -> None:
    """Compare the trainer's version of MLflow with the server's.

    A client of a newer major version calls functions that an older server does not have.

    Raises:
        ProbeError: the client's major version is newer.
    """
    if not client or not server:
        return
    difference = parsed(client)[0] - parsed(server)[0]
    if difference > 0:
        raise ProbeError(
            f"Failed to use MLflow {server} by the trainer's MLflow {client}: a client of a newer major version calls "
            "what the server does not know.",
            f"Require mlflow<{parsed(server)[0] + 1} (training_requirements), or upgrade the server.",
        )
    if difference < -1:
        warn(f"The trainer's MLflow {client} is two major versions behind the server's {server}; it may not fit.")


def parsed(version: str) -> tuple[int, ...]:
    """Return major and minor number of a version."""
    numbers = []
    for part in version.split(".")[:2]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
    return tuple(numbers)
