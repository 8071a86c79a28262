# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes all endpoints of a contract at the same time.

The controller uses this module too, for its own viewpoint.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ansible_collections.samerun.stack.plugins.plugin_utils.shim.probes import (
    S3_ENDPOINT,
    TRACKING_URI,
    ProbeError,
    is_ours,
    patience,
    probe_artifacts,
    probe_tcp,
    probe_tracking,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3 import probe_s3
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

SECONDS = 9.0  # for all together
_AGAIN_SECONDS = 2.0
_T = TypeVar("_T")


def probe_all(
    server: Tracking,
    s3_endpoint: str,
    client: S3Client | None,
    bucket: str,
    viewpoint: str,
    *,
    artifacts: bool = False,
    own_hosts: Collection[str] = (),
) -> str:
    """Probe every endpoint that a run uses.

    Args:
        s3_endpoint: empty if the run has none.
        client: None if the run has no keys of the store.
        artifacts: whether the run writes its artifacts through MLflow.
        own_hosts: the hosts of the world's own services.

    Returns:
        The version of the tracking server; empty if the server does not tell it.

    Raises:
        ProbeError: a probe failed, or an endpoint accepts a connection but does not answer.
    """

    def store() -> None:
        if s3_endpoint:
            probe_tcp("the S3 store", S3_ENDPOINT, s3_endpoint, viewpoint, ours=is_ours(s3_endpoint, own_hosts))
        if client is not None:
            probe_s3(client, bucket, s3_endpoint, viewpoint)

    uri = f"{TRACKING_URI}={server.uri}"
    probes: dict[str, Callable[[], None]] = {
        f"Failed to use MLflow from the {viewpoint}: {uri}": lambda: probe_tracking(
            server.uri, viewpoint, server.login, ours=is_ours(server.uri, own_hosts)
        ),
        f"Failed to use the S3 store from the {viewpoint}: {S3_ENDPOINT}={s3_endpoint}": store,
    }
    if artifacts:
        start = f"Failed to write artifacts through MLflow from the {viewpoint}: {uri}"
        probes[start] = lambda: probe_artifacts(server, viewpoint)
    end = time.monotonic() + patience(SECONDS)
    version: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: version.put(server.version()), daemon=True).start()
    at_once(probes)
    try:
        return version.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        return ""


def patiently(probe: Callable[[], _T], seconds: float, say: Callable[[str], Any], stop: Callable[[], Any]) -> _T:
    """Call `probe` and return its result; after a ProbeError try again, for up to `seconds`.

    Args:
        say: takes a line about the first error.
        stop: whether to give up now.
    """
    end, told = time.monotonic() + seconds, False
    while True:
        try:
            return probe()
        except ProbeError as error:
            if stop() or time.monotonic() >= end:
                raise
            if not told:
                told = say(f"{error.message} An earlier attempt reached it: trying again for {seconds:.0f} s.") or True
        time.sleep(_AGAIN_SECONDS)


def at_once(probes: Mapping[str, Callable[[], None]]) -> None:
    """Run all probes at the same time, and wait at most `SECONDS` for all of them.

    Args:
        probes: a mapping to each probe from the start of a message, which is used if the probe does not return.

    Raises:
        ProbeError: a probe failed or did not return; if several did, the error is about the first in `probes`.
    """
    end = time.monotonic() + patience(SECONDS)
    found: queue.Queue[Any] = queue.Queue()
    for start, one in probes.items():
        threading.Thread(target=_told, args=(found, start, one), daemon=True).start()
    problems: dict[str, Any] = {}
    while len(problems) < len(probes):
        try:
            start, problem = found.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        problems[start] = problem
    for start in probes:
        if start not in problems:
            raise ProbeError(
                f"{start} says nothing within {patience(SECONDS):.0f} s.", "Does it hang, or a proxy before it?"
            )
        if problems[start] is not None:
            raise problems[start]


def _told(found: Any, start: str, one: Callable[[], None]) -> None:
    try:
        one()
        found.put((start, None))
    except Exception as error:  # raised again by `at_once`
        found.put((start, error))
