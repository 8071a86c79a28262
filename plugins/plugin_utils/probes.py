# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking at the endpoints of a contract from exactly where they are used.

This file travels with a launch, see shim.py; the controller looks from its own place with it.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils import clocks, keeping
from ansible_collections.samerun.stack.plugins.plugin_utils.tracking import Tracking

TRACKING_URI = contract.name_of("tracking_uri")
S3_ENDPOINT = contract.name_of("s3_endpoint")
CONNECT_SECONDS = 5
SECONDS = 9.0  # for all endpoints together
LEAST_FREE = 100_000_000  # bytes
_PROBE_KEY = ".samerun/probe"
_PROBE_BODY = b"samerun looks whether this bucket can be written and read\n"


class ProbeError(Exception):
    """An endpoint that the script could not use: what failed, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def probe_all(
    tracking_uri: str,
    s3_endpoint: str,
    client: Any,
    bucket: str,
    viewpoint: str,
    login: contract.Login = contract.NOBODY,
) -> None:
    """Look at every endpoint at once, and wait for none of them longer than `SECONDS`.

    Args:
        s3_endpoint: empty where the run has none.
        client: of boto3, or None where the run cannot use S3.

    Raises:
        ProbeError: as those below; or that an endpoint takes a connection and says nothing.
    """

    def store() -> None:
        if s3_endpoint:
            probe_tcp("the S3 store", S3_ENDPOINT, s3_endpoint, viewpoint)
        if client is not None:
            probe_s3(client, bucket, s3_endpoint, viewpoint)

    looks = {
        f"Failed to use MLflow from the {viewpoint}: {TRACKING_URI}={tracking_uri}": lambda: probe_tracking(
            tracking_uri, viewpoint, login
        ),
        f"Failed to use the S3 store from the {viewpoint}: {S3_ENDPOINT}={s3_endpoint}": store,
    }
    end = time.monotonic() + patience(SECONDS)
    found: queue.Queue[Any] = queue.Queue()
    for start, look in looks.items():
        threading.Thread(target=_told, args=(found, start, look), daemon=True).start()
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


def _told(found: Any, start: str, look: Callable[[], None]) -> None:
    try:
        look()
        found.put((start, None))
    except Exception as error:  # raised where it is waited for
        found.put((start, error))


def probe_tcp(what: str, variable: str, url: str, viewpoint: str) -> None:
    """Resolve the name of `url` and open a connection to it.

    Raises:
        ProbeError: naming the hop that failed, within about 5 s.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    start = f"Failed to reach {what} from the {viewpoint}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ProbeError(
            f"{start}: the name {host} of {variable}={url} cannot be resolved ({error.strerror or error}).",
            "Is the service started (samerun up), and is the run in its network?",
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
        f"{start}: nothing answers at {host}:{port} of {variable}={url} ({cause}).", "Is it started? samerun up"
    )


def probe_tracking(url: str, viewpoint: str, login: contract.Login = contract.NOBODY, *, direct: bool = False) -> None:
    """Ask the tracking server something that its host check does not exempt, and what time it is there.

    Raises:
        ProbeError: as `probe_tcp`, or with what the server answered.
    """
    probe_tcp("MLflow", TRACKING_URI, url, viewpoint)
    start = f"Failed to use MLflow from the {viewpoint}"
    try:
        with Tracking(url, patience(10.0), login, direct=direct).open(
            "2.0/mlflow/experiments/search?max_results=1"
        ) as answer:
            json.loads(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read(500).decode(errors="replace").strip()
        if error.code == 403 and "host" in text.lower():
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


def probe_artifacts(server: Tracking, viewpoint: str) -> None:
    """Put and get one fixed artifact through MLflow, as `probe_s3` does in the store itself.

    Raises:
        ProbeError: with what the server answered.
    """
    start = f"Failed to write artifacts through MLflow from the {viewpoint} ({TRACKING_URI}={server.uri})"
    artifacts = keeping.Artifacts(keeping.PROXY, server, None)
    try:
        artifacts.put(_PROBE_KEY, _PROBE_BODY)
        found = artifacts.get(_PROBE_KEY)
    except keeping.KeepingError as error:
        code = getattr(error.__cause__, "code", 0)
        if code in (404, 503):
            raise ProbeError(
                f"{start}: it serves none ({code}).",
                "Start it with --artifacts-destination, or set mlflow_artifact_mode: direct",
            ) from error
        raise ProbeError(f"{start}: {error.__cause__ or error}.", "Does it reach its store? Its log says.") from error
    if found != _PROBE_BODY:
        raise ProbeError(
            f"{start}: what was written reads differently.", "Is something between the run and MLflow changing bytes?"
        )


def server_version(url: str, login: contract.Login = contract.NOBODY) -> str:
    """The version of the tracking server, empty where it does not tell."""
    try:
        request = urllib.request.Request(f"{url}/version", headers=login.headers)  # noqa: S310 - the contract's
        with urllib.request.urlopen(request, timeout=CONNECT_SECONDS) as answer:  # noqa: S310 - as above
            text = str(answer.read(50).decode(errors="replace")).strip()
    except OSError:
        return ""
    return text if text[:1].isdigit() else ""


def probe_clock(what: str, viewpoint: str, date: Any) -> None:
    """Raise a ProbeError where the Date of an answer and the clock here are more than five minutes apart."""
    if problem := clocks.problem(what, viewpoint, date):
        raise ProbeError(*problem)


def probe_disk(folder: str, code: bytes) -> None:
    """Raise a ProbeError where the disk of `folder` has less free than twice what `code` unpacks to, or than 100 MB."""
    size = int.from_bytes(code[-4:], "little") if code[:2] == b"\x1f\x8b" else len(code)  # gzip's own word of it
    free, wanted = shutil.disk_usage(folder).free, max(2 * size, LEAST_FREE)
    if free < wanted:
        raise ProbeError(
            f"Failed to unpack the code in {folder}: {free / 1e6:.0f} MB are free there, and {wanted / 1e6:.0f} MB are "
            "wanted.", "Make room on that disk, or let less travel: .samerunignore.",
        )  # fmt: skip


def s3_client(endpoint: str, access_key: str, secret_key: str, region: str, *, direct: bool = False) -> Any:
    """A boto3 client that gives up quickly and never sends the checksums that other stores refuse.

    With `direct` a proxy that the environment names is passed by.
    """
    import boto3
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS, "read_timeout": 20, "retries": {"total_max_attempts": 2},
        "request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
    }  # fmt: skip
    settings.update({"proxies": {}} if direct else {})
    try:
        config = Config(**settings)
    except TypeError:  # boto3 before 1.36 knows no such checksums
        config = Config(**{k: v for k, v in settings.items() if "checksum" not in k})
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        region_name=region or "us-east-1", config=config,
    )  # fmt: skip


def probe_s3(client: Any, bucket: str, endpoint: str, viewpoint: str) -> None:
    """Put and get one fixed key of `bucket`; nothing is deleted, since a trainer may not.

    Raises:
        ProbeError: telling wrong key, wrong secret, missing bucket, denied and unreachable apart.
    """
    try:
        put = client.put_object(Bucket=bucket, Key=_PROBE_KEY, Body=_PROBE_BODY)
        found = client.get_object(Bucket=bucket, Key=_PROBE_KEY)["Body"].read()
    except Exception as error:  # boto3's errors share no base class that could be named without importing it
        raise s3_problem(error, bucket, endpoint, viewpoint) from error
    probe_clock("the S3 store", viewpoint, _date(put))
    if found != _PROBE_BODY:
        raise ProbeError(
            f"Failed to use the S3 store from the {viewpoint}: what was written to s3://{bucket}/{_PROBE_KEY} at "
            f"{endpoint} reads differently.", "Is something between the run and the store changing bytes?",
        )  # fmt: skip


_S3_CAUSES = {
    "InvalidAccessKeyId": ("it does not know the access key", "Set object_store_access_key to a key of this store."),
    "SignatureDoesNotMatch": ("the secret key is wrong", "Set object_store_secret_key to the secret of this key."),
    "NoSuchBucket": ("the bucket does not exist", "Name another by object_store_bucket; samerun up makes ours."),
    "AccessDenied": (
        "the key may not write and read there",
        "Give it s3:PutObject and s3:GetObject, or name its bucket by object_store_bucket; samerun up makes ours.",
    ),
    "AuthorizationHeaderMalformed": ("it expects another region", "Set object_store_region to its region."),
    "InvalidBucketName": ("no bucket can be called so", "Lower case, digits and hyphens fit object_store_bucket."),
    "404": ("what answers there is no S3 store", "Set object_store_endpoint to its S3 interface."),
    "EndpointConnectionError": ("nothing answers there", "Is it started? samerun up"),
    "ConnectTimeoutError": ("no answer within 5 s", "Is it started, and does a firewall stand between?"),
    "SSLError": ("TLS does not fit", "http or https in object_store_endpoint? Is its certificate known here?"),
}  # fmt: skip


def s3_problem(error: Exception, bucket: str, endpoint: str, viewpoint: str) -> ProbeError:
    """What boto3 raised, as one line."""
    response = getattr(error, "response", None) or {}
    code = response.get("Error", {}).get("Code", "") or type(error).__name__
    if skewed := clocks.problem("the S3 store", viewpoint, _date(response)):
        return ProbeError(*skewed)
    cause, hint = _S3_CAUSES.get(code, (str(error) or code, "See the store's log."))
    where = f"Failed to use bucket {bucket} from the {viewpoint} ({S3_ENDPOINT}={endpoint})"
    return ProbeError(f"{where}: {cause.rstrip('.')}.", hint)


def _date(response: Any) -> Any:
    """The Date of what boto3 returned or raised."""
    return (response or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")


def patience(seconds: float) -> float:
    """How long an answer may take that usually takes at most `seconds`.

    A machine with far more to do than it has cores, as after a hundred launches at once, lets its own servers wait; up
    to twelve times as long is no fault of theirs.
    """
    try:
        busy = os.getloadavg()[0]
        with open("/proc/loadavg", encoding="ascii") as load:  # what wants to run just now; the average comes late
            busy = max(busy, float(load.read().split()[3].partition("/")[0]))
    except (OSError, ValueError, IndexError, AttributeError):
        return seconds
    return seconds * min(12.0, max(1.0, busy / (4 * (os.cpu_count() or 1))))
