# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resources in Kubernetes' notation, for engines that speak another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import DATA, SamerunError

_UNITS = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


def memory_bytes(quantity: str) -> int:
    """`512Mi` as bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?", quantity)
    if not found:
        raise SamerunError(
            f"Failed to read the memory quantity {quantity!r}: it is not a number with a unit.",
            "Write 512Mi or 2Gi.",
            DATA,
        )
    return int(float(found[1]) * _UNITS[found[2] or ""])


def cpu_nanos(quantity: str) -> int:
    """`500m` or `2` as billionths of a core."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m?)", quantity)
    if not found:
        raise SamerunError(
            f"Failed to read the CPU quantity {quantity!r}: it is not a number of cores.", "Write 2 or 500m.", DATA
        )
    return int(float(found[1]) * (10**6 if found[2] else 10**9))


def docker_limits(resources: Mapping[str, str]) -> dict[str, Any]:
    """The part of a container's HostConfig that limits it."""
    limits: dict[str, Any] = {}
    if cpu := resources.get("cpu"):
        limits["NanoCpus"] = cpu_nanos(str(cpu))
    if memory := resources.get("memory"):
        limits["Memory"] = memory_bytes(str(memory))
    return limits
