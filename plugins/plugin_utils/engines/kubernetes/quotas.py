# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Computes whether a pod fits into the quotas of a namespace, from data only; nothing here asks the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_UNITS = {
    "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def exceeded(quotas: Iterable[Mapping[str, Any]], job: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """Name in one line the quota that the pod of `job` and the objects `others` would exceed; empty for none.

    A quota with a scope, which counts only certain pods, is left to the cluster.
    """
    wanted = _wanted(job, others)
    for quota in quotas:
        if quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"):
            continue
        hard, used = quota["status"].get("hard") or {}, quota["status"].get("used") or {}
        for name in sorted(set(hard) & set(wanted)):
            if amount(used.get(name, "0")) + amount(wanted[name]) > amount(hard[name]):
                metadata = quota["metadata"]
                return f"exceeded quota: {metadata['name']}, {name}: {used.get(name, '0')} of {hard[name]} used, " + (
                    f"{wanted[name]} asked for"
                )
    return ""


def amount(quantity: str) -> float:
    """Parse a Kubernetes quantity; an unreadable one counts as 0, so that the cluster decides."""
    found = re.fullmatch(r"([\d.]+(?:e\d+)?)([a-zA-Z]*)", str(quantity))
    return float(found[1]) * _UNITS.get(found[2], 0) if found else 0.0


def _wanted(job: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    found = {"pods": "1", "count/pods": "1", "count/jobs.batch": "1"}
    for kind in ("ConfigMap", "Secret"):
        plural = f"{kind.lower()}s"
        found[plural] = found[f"count/{plural}"] = str(sum(other["kind"] == kind for other in others))
    for container in job["spec"]["template"]["spec"]["containers"][:1]:
        resources = container.get("resources") or {}
        for name, quantity in (resources.get("requests") or {}).items():
            found[name] = found[f"requests.{name}"] = str(quantity)
        for name, quantity in (resources.get("limits") or {}).items():
            found[f"limits.{name}"] = str(quantity)
    return found
