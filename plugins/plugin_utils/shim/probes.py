# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes the endpoints of a contract from the place where they are used.

The controller uses this module too, for its own viewpoint.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import urllib.error
from typing import Any, Collection
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import clocks, keeping, mlflow_words
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.tracking import Tracking

TRACKING_URI = contract.name_of("tracking_uri")
S3_ENDPOINT = contract.name_of("s3_endpoint")
_SETTINGS = {TRACKING_URI: "mlflow_endpoint", S3_ENDPOINT: "object_store_endpoint"}
CONNECT_SECONDS = 5
LEAST_FREE = 100_000_000  # bytes
PROBE_KEY = ".samerun/probe"
PROBE_BODY = b"samerun verifies that this bucket can be written and read\n"


class ProbeError(Exception):
    """The script could not use an endpoint: what failed, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def is_ours(url: str, own_hosts: Collection[str]) -> bool:
    """Whether the service at `url` is one of the world's own: its host is in `own_hosts`."""
    return urlsplit(url).hostname in own_hosts


def starting(variable: str, *, ours: bool) -> str:
    """Return the hint for a service that does not answer; samerun can start only the world's own (`ours`)."""
    if ours:
        return "Is it started? samerun up"
    return f"Ask who runs it, or name another: {_SETTINGS.get(variable, variable)}."


def probe_tcp(what: str, variable: str, url: str, viewpoint: str, *, ours: bool = True) -> None:
    """Resolve the host of `url` and open a connection to it; for `ours` see `starting`.

    Raises:
        ProbeError: within about 5 s; it names the step that failed.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    start = f"Failed to reach {what} from the {viewpoint}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ProbeError(
            f"{start}: the name {host} of {variable}={url} cannot be resolved ({error.strerror or error}).",
            "Is the service started (samerun up), and is the run in its network?"
            if ours
            else starting(variable, ours=ours),
        ) from error
    problem: OSError | None = None
    for family, kind, protocol, _name, address in found:
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.settimeout(CONNECT_SECONDS)
                connection.connect(address)
            return
        except OSError as error:
            problem = error
    cause = (
        "no answer within 5 s" if isinstance(problem, socket.timeout) else str(getattr(problem, "strerror", problem))
    )
    raise ProbeError(
        f"{start}: nothing answers at {host}:{port} of {variable}={url} ({cause}).", starting(variable, ours=ours)
    )


def probe_tracking(
    url: str, viewpoint: str, login: contract.Login = contract.NOBODY, *, direct: bool = False, ours: bool = True
) -> None:
    """Send the tracking server a request for which it checks the Host header, and compare its clock.

    Raises:
        ProbeError: as for `probe_tcp`, or with the server's answer.
    """
    probe_tcp("MLflow", TRACKING_URI, url, viewpoint, ours=ours)
    start = f"Failed to use MLflow from the {viewpoint}"
    try:
        with Tracking(url, patience(10.0), login, direct=direct).open(
            "2.0/mlflow/experiments/search?max_results=1"
        ) as answer:
            json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = _text(error)
        if error.code == 403 and mlflow_words.refuses_host(text):
            raise ProbeError(
                f"{start}: {TRACKING_URI}={url} answers 403, it does not accept this Host header.",
                f"Add {urlsplit(url).netloc} to mlflow_allowed_hosts (of an MLflow not ours: to its --allowed-hosts).",
            ) from error
        if error.code in (401, 403):
            wanted = "it does not accept the user or token" if login.headers else "it wants a user or a token"
            raise ProbeError(
                f"{start}: {TRACKING_URI}={url} answers {error.code}, {wanted}.",
                "Set mlflow_username and mlflow_password, or mlflow_token, to what it accepts.",
            ) from error
        raise ProbeError(
            f"{start}: {TRACKING_URI}={url} answers {error.code} to its own API.", "Is it an MLflow server?"
        ) from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        raise ProbeError(
            f"{start}: {TRACKING_URI}={url}: {cause}.", "Is it an MLflow server, and http or https as it speaks?"
        ) from error
    probe_clock("MLflow", viewpoint, answer.headers.get("Date"))


def _text(error: urllib.error.HTTPError) -> str:
    with error, contextlib.suppress(OSError, http.client.HTTPException):  # the connection may break before the end
        return error.read(500).decode(errors="replace").strip()
    return ""


def probe_artifacts(server: Tracking, viewpoint: str) -> None:
    """Put and get one fixed artifact through MLflow, as `probe_s3` does directly in the store.

    Raises:
        ProbeError: with the server's answer.
    """
    start = f"Failed to write artifacts through MLflow from the {viewpoint} ({TRACKING_URI}={server.uri})"
    artifacts = keeping.Artifacts(keeping.PROXY, server, None)
    try:
        artifacts.put(PROBE_KEY, PROBE_BODY)
        found = artifacts.get(PROBE_KEY)
    except keeping.KeepingError as error:
        code = getattr(error.__cause__, "code", 0)
        if code in (404, 503):
            raise ProbeError(
                f"{start}: it serves none ({code}).",
                "Start it with --artifacts-destination, or set mlflow_artifact_mode: direct",
            ) from error
        raise ProbeError(f"{start}: {error.__cause__ or error}.", "Does it reach its store? Its log says.") from error
    if found != PROBE_BODY:
        raise ProbeError(
            f"{start}: what was written reads differently.", "Is something between the run and MLflow changing bytes?"
        )


def probe_clock(what: str, viewpoint: str, date: Any) -> None:
    """Raise a ProbeError if the Date header of an answer and the clock here differ by more than five minutes."""
    if problem := clocks.problem(what, viewpoint, date):
        raise ProbeError(*problem)


def probe_disk(folder: str, code: bytes) -> None:
    """Raise a ProbeError if `folder` has less disk space free than twice the unpacked `code`, or than 100 MB."""
    size = int.from_bytes(code[-4:], "little") if code[:2] == b"\x1f\x8b" else len(code)  # gzip ends with the size
    free, wanted = shutil.disk_usage(folder).free, max(2 * size, LEAST_FREE)
    if free < wanted:
        raise ProbeError(
            f"Failed to unpack the code in {folder}: {free / 1e6:.0f} MB are free there, and {wanted / 1e6:.0f} MB are "
            "wanted.", "Make room on that disk, or let less travel: .samerunignore.",
        )  # fmt: skip


def patience(seconds: float) -> float:
    """Return a timeout for an answer that normally takes at most `seconds`: longer on a busy machine.

    On an overloaded machine, as after a hundred launches at once, local servers get little processor time. So the
    timeout grows with the load, up to twelve times.
    """
    try:
        busy = os.getloadavg()[0]
        with open("/proc/loadavg", encoding="ascii") as load:  # the number of runnable tasks now, as the average lags
            busy = max(busy, float(load.read().split()[3].partition("/")[0]))
    except (OSError, ValueError, IndexError, AttributeError):
        return seconds
    return seconds * min(12.0, max(1.0, busy / (4 * (os.cpu_count() or 1))))
