# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follows the log of a launch on a cluster, over several pods and lost connections."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import Outcome
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import away
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import pods
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import (
    ApiError,
    GoneError,
    is_silent,
    lost_link,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.pod_log import PodLog
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Say
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import pod as kubernetes_pod
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.view import JobView, Pod

_AGAIN_SECONDS = 1  # a change of a pod is seen at once, a change of the Job alone after at most this time
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between tries to reach a cluster that does not answer
T = TypeVar("T")


class Follower:
    """Yields the log of one launch to its end; reconnects after a lost connection.

    Args:
        patience: for how many seconds the cluster may give no answer.

    Attributes:
        ended: the outcome, once the launch has ended.
    """

    def __init__(self, view: JobView, say: Say, patience: float = away.ELSEWHERE) -> None:
        self.view, self.say, self.patience = view, say, patience
        self.ended: Outcome | None = None
        self._followed: list[str] = []
        self._said = ""

    def __iter__(self) -> Iterator[bytes]:
        while (pod := self._next()) is not None:
            self._followed.append(pod["metadata"]["uid"])
            name, node = pod["metadata"]["name"], pod["spec"].get("nodeName", "")
            if len(self._followed) > 1:
                self.say(f"Attempt {len(self._followed)} starts on pod {name} (node {node}).")
            yield from self._log(pod)

    def _next(self) -> Pod | None:
        """Wait for the next pod that has a log, and return it; None once the launch has ended.

        Meanwhile say what the launch waits for.
        """
        while True:
            self._patiently(self.view.read)
            for pod in self.view.pods:
                if pod["metadata"]["uid"] not in self._followed and pods.has_started(pod):
                    return pod
            self.ended = self._patiently(self.view.outcome)
            if self.ended is not None:
                return None
            self._say_once(self._waits_for())
            self._patiently(lambda: self.view.wait(_AGAIN_SECONDS))

    def _waits_for(self) -> str:
        job, last = self.view.job, self.view.pods[-1] if self.view.pods else None
        if last is not None and self.view.is_there(last):
            if last["metadata"]["uid"] in self._followed:
                return self._lost_node(last)
            waiting = pods.waits_for(last) or self.view.reasons.mounts(last)
            return f"The pod waits: {waiting}" if waiting else ""
        if job and job["spec"].get("suspend") and kubernetes_job.queued(job):
            return f"The Job waits in the queue {job['metadata']['labels'][kubernetes_job.QUEUE_LABEL]}."
        return ""

    def _say_once(self, line: str) -> None:
        if line and line != self._said:
            self._said = line
            self.say(line)

    def _log(self, pod: Pod) -> Iterator[bytes]:
        """Yield the log of one pod to its end."""
        log = PodLog(self.view.cluster, pod["metadata"]["name"], self.view.namespace, kubernetes_pod.CONTAINER)
        over = False
        while True:
            rereads = 1
            try:
                for piece in log.read(follow=not over):
                    rereads = 0
                    yield piece
                if over:
                    return
                rereads = 2  # a log ends up to a second before its node reports the end
            except GoneError:
                return  # the log is gone with its pod
            except Exception as error:
                if not lost_link(error):
                    raise
                if over and isinstance(error, ApiError):
                    return  # the rest of the log is on a node that is gone
                rereads = 0 if is_silent(error) else rereads
            over = self._patiently(functools.partial(self._is_over, pod, rereads))

    def _is_over(self, pod: Pod, rereads: int) -> bool:
        """Whether a pod's log is complete; reads the pod again up to `rereads` times, since its node reports late."""
        while True:
            self.view.read()
            found = self.view.current(pod)
            if not self.view.is_there(pod) or pods.ended(found) is not None:
                return True
            if any(later["metadata"]["uid"] not in self._followed for later in self.view.pods):
                return True
            if line := self._lost_node(found):
                self._say_once(line)
                if self.view.outcome() is not None:
                    return True
            if not rereads:
                return False
            rereads -= 1
            self.view.wait(_AGAIN_SECONDS)

    def _lost_node(self, pod: Pod) -> str:
        words = self.view.lost(pod)
        name = pod["spec"].get("nodeName")
        return f"The node {name} of pod {pod['metadata']['name']} does not answer: {words}." if words else ""

    def _patiently(self, call: Callable[[], T]) -> T:
        """Return what `call` returns; while the cluster cannot be reached, try again for `patience` seconds."""
        tries, started = 0, time.monotonic()
        while True:
            try:
                found = call()
            except Exception as error:
                if not lost_link(error):
                    raise
                if time.monotonic() - started > self.patience:
                    raise _gone(self.view.launch, error) from error
                tries += 1
                if tries == 2:
                    self.say("The connection to the cluster is lost. The launch goes on there; its log follows later.")
                time.sleep(_PAUSES[min(tries, len(_PAUSES)) - 1])
            else:
                if tries > 1:
                    self.say("The cluster answers again.")
                return found


def _gone(launch: str, problem: Exception) -> SamerunError:
    return SamerunError(
        f"Failed to follow {launch}: the cluster went away ({problem}).",
        f"The run is not lost: once the cluster answers again, samerun logs -f {launch}",
        UNAVAILABLE,
    )
