# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Merges the user's `training_overlay` into a native request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def overlaid(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Merge `overlay` deeply into a copy of `base`.

    Mappings merge. Lists of mappings merge by `name` if each mapping has a name. Other lists and values are replaced.
    A null removes the key.
    """
    merged = dict(base)
    for key, value in overlay.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _over(merged.get(key), value)
    return merged


def _over(base: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return overlaid(base if isinstance(base, Mapping) else {}, value)
    if _named(value) and _named(base):
        merged = {item["name"]: item for item in base}
        for item in value:
            merged[item["name"]] = overlaid(merged.get(item["name"], {}), item)
        return list(merged.values())
    return value


def _named(value: Any) -> bool:
    """Whether `value` is a list of mappings that each have a name of their own."""
    if (
        not value
        or not isinstance(value, list)
        or not all(isinstance(item, Mapping) and "name" in item for item in value)
    ):
        return False
    return len({item["name"] for item in value}) == len(value)
