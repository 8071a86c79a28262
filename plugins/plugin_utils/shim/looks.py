# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every endpoint of a contract, looked at at once.

This file travels with a launch, see shim.py; the controller looks from its own place with it.
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


def look(
    server: Tracking,
    s3_endpoint: str,
    client: S3Client | None,
    bucket: str,
    viewpoint: str,
    *,
    artifacts: bool = False,
    own_hosts: Collection[str] = (),
) -> str:
    """Look at all that a run uses.

    Args:
        s3_endpoint: empty where the run has none.
        client: None where the run has no keys of the store.
        artifacts: whether the run writes its artifacts through MLflow.
        own_hosts: where services of the world's own are.

    Returns:
        The version of the tracking server, empty where it does not tell.

    Raises:
        ProbeError: as of the probes; or that an endpoint takes a connection and says nothing.
    """

    def store() -> None:
        if s3_endpoint:
            probe_tcp("the S3 store", S3_ENDPOINT, s3_endpoint, viewpoint, ours=is_ours(s3_endpoint, own_hosts))
        if client is not None:
            probe_s3(client, bucket, s3_endpoint, viewpoint)

    uri = f"{TRACKING_URI}={server.uri}"
    looks: dict[str, Callable[[], None]] = {
        f"Failed to use MLflow from the {viewpoint}: {uri}": lambda: probe_tracking(
            server.uri, viewpoint, server.login, ours=is_ours(server.uri, own_hosts)
        ),
        f"Failed to use the S3 store from the {viewpoint}: {S3_ENDPOINT}={s3_endpoint}": store,
    }
    if artifacts:
        start = f"Failed to write artifacts through MLflow from the {viewpoint}: {uri}"
        looks[start] = lambda: probe_artifacts(server, viewpoint)
    end = time.monotonic() + patience(SECONDS)
    version: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: version.put(server.version()), daemon=True).start()
    at_once(looks)
    try:
        return version.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        return ""


def patiently(look_again: Callable[[], _T], seconds: float, say: Callable[[str], Any], stop: Callable[[], Any]) -> _T:
    """What `look_again` returns; while it raises a ProbeError, it is asked again until `seconds` are over.

    Args:
        say: is told of the first one.
        stop: whether there is no use in it any more.
    """
    end, told = time.monotonic() + seconds, False
    while True:
        try:
            return look_again()
        except ProbeError as error:
            if stop() or time.monotonic() >= end:
                raise
            if not told:
                told = say(f"{error.message} An attempt before found it: it is looked for for {seconds:.0f} s.") or True
        time.sleep(_AGAIN_SECONDS)


def at_once(looks: Mapping[str, Callable[[], None]]) -> None:
    """Take all `looks` at once, and wait for none of them longer than `SECONDS`.

    Args:
        looks: how the line about one that does not come back starts, and the look.

    Raises:
        ProbeError: that a look does not come back, or what it raised; of several the first.
    """
    end = time.monotonic() + patience(SECONDS)
    found: queue.Queue[Any] = queue.Queue()
    for start, one in looks.items():
        threading.Thread(target=_told, args=(found, start, one), daemon=True).start()
    problems: dict[str, Any] = {}
    while len(problems) < len(looks):
        try:
            start, problem = found.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        problems[start] = problem
    for start in looks:
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
    except Exception as error:  # raised where it is waited for
        found.put((start, error))
