"""What a follower sees of a pod's log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import KubernetesTarget

WHOLE = b"one\ntwo\nthree\n"


class Fake(Cluster):
    """A cluster in which the pod of a launch has ended, and a follower of its log sees only `followed`."""

    def __init__(self, followed: list[bytes]) -> None:
        self.followed = followed

    def explained(self, what: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def find(self, kind: str, namespace: str = "", **selectors: str) -> list[dict[str, Any]]:
        ended = {"exitCode": 0, "message": '{"exit_code": 0, "state": "FINISHED"}'}
        status = {"containerStatuses": [{"state": {"terminated": ended}}]}
        return [{"metadata": {"name": "pod"}, "status": status}]

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        return {"metadata": {"name": name}}

    def log(self, pod: str, namespace: str, *, follow: bool) -> Iterator[bytes]:
        yield from self.followed if follow else [WHOLE]


class Place:
    """As much of a world as a log needs."""

    training_namespace = "training"


@pytest.mark.parametrize("followed", [[], [WHOLE[:4]], [WHOLE[:2], WHOLE[2:7]], [WHOLE]])
def test_the_whole_log_is_shown_once_whatever_its_follower_missed(followed: list[bytes]) -> None:
    target = KubernetesTarget(cast(World, Place()))
    target.__dict__["cluster"] = Fake(followed)
    assert b"".join(target.follow("launch")) == WHOLE
