# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Converts resources from Kubernetes' notation to the units of other engines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, SamerunError

_UNITS = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


def memory_bytes(quantity: str) -> int:
    """Convert a quantity such as `512Mi` to bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?", quantity)
    if not found:
        raise SamerunError(
            f"Failed to read the memory quantity {quantity!r}: it is not a number with a unit.",
            "Write 512Mi or 2Gi.",
            DATA,
        )
    return int(float(found[1]) * _UNITS[found[2] or ""])


def cpu_nanos(quantity: str) -> int:
    """Convert a quantity such as `500m` or `2` to billionths of a core."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", quantity)
    if not found:
        raise SamerunError(
            f"Failed to read the CPU quantity {quantity!r}: it is not a number of cores.", "Write 2 or 500m.", DATA
        )
    return int(float(found[1]) * (10**6 if found[2] else 10**9))


def gpus(quantity: str) -> int:
    """Convert a quantity such as `2` to a number of GPUs."""
    if not re.fullmatch(r"[1-9]\d*", quantity):
        raise SamerunError(
            f"Failed to read the GPU quantity {quantity!r}: it is not a whole number of GPUs.", "Write 1 or 2.", DATA
        )
    return int(quantity)


def docker_limits(resources: Mapping[str, str]) -> dict[str, Any]:
    """Return the limits for a container's HostConfig.

    Raises:
        SamerunError: an unknown key, or an invalid quantity.
    """
    limits: dict[str, Any] = {}
    for key, value in resources.items():
        if key not in _LIMITS:
            raise SamerunError(
                f"Failed to read training_resources: {key} is not known.", f"It has {', '.join(_LIMITS)}.", DATA
            )
        limits.update(_LIMITS[key](str(value)))
    return limits


def _memory_limit(quantity: str) -> dict[str, Any]:
    """Return a memory limit that includes swap: by default the engine adds as much swap, which doubles the limit."""
    limit = memory_bytes(quantity)
    return {"Memory": limit, "MemorySwap": limit}


_LIMITS: dict[str, Callable[[str], dict[str, Any]]] = {
    "cpu": lambda quantity: {"NanoCpus": cpu_nanos(quantity)},
    "memory": _memory_limit,
    "gpu": lambda quantity: {"DeviceRequests": [{"Count": gpus(quantity), "Capabilities": [["gpu"]]}]},
    "shm": lambda quantity: {"ShmSize": memory_bytes(quantity)},
}
