"""A fake cluster that has only Secrets."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.world import OWNER, OWNER_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError


class Secrets:
    """The part of a cluster that keys need: its Secrets."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.forbidden: set[str] = set()

    def put(self, place: str, values: Mapping[str, str], *, ours: bool) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.found[place] = {
            "metadata": {"labels": {OWNER_LABEL: OWNER, WORLD_LABEL: "w"} if ours else {}},
            "data": data,
        }

    def explained(self, _doing: str) -> Any:
        return contextlib.nullcontext()

    def get(self, _kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        if f"{namespace}/{name}" in self.forbidden:
            raise ApiError(403, "Forbidden")
        return self.found.get(f"{namespace}/{name}")

    def ensure_namespace(self, _name: str, _labels: Mapping[str, str]) -> None:
        """Do nothing: every namespace exists."""

    def apply(self, wanted: Mapping[str, Any]) -> None:
        metadata = wanted["metadata"]
        self.found[f"{metadata['namespace']}/{metadata['name']}"] = dict(wanted)
