# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one file that travels with a launch: the script's parent, on every target.

It unpacks the code into a fresh folder, looks at every endpoint from exactly where the script will use it, starts
the script, passes signals on, closes the script's MLflow runs by the truth of its exit, leaves a report and ends as
the script ended. It needs nobody who watches. It runs under the trainer's interpreter, so it knows only the standard
library (Python 3.8) and, for S3, the trainer's own boto3.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from typing import Any, Callable
from urllib.parse import urlencode, urlsplit

TRACKING_URI = "MLFLOW_TRACKING_URI"
S3_ENDPOINT = "MLFLOW_S3_ENDPOINT_URL"
RUN_CONTEXT = "MLFLOW_RUN_CONTEXT"
LAUNCH_TAG = "samerun.launch"
FINGERPRINT_TAG = "samerun.fingerprint"
STATE_TAG = "samerun.state"
EXIT_TAG = "samerun.exit_code"
PROBE_KEY = ".samerun/probe"
PROBE_BODY = b"samerun looks whether this bucket can be written and read\n"
CONNECT_SECONDS = 5
EX_UNAVAILABLE, EX_SOFTWARE, EX_TIMEOUT = 69, 70, 75


class ProbeError(Exception):
    """An endpoint that the script could not use: what failed, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- endpoints ---------------------------------------------------------------------------


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


class Tracking:
    """The few calls of MLflow's REST interface (version 2.0) that samerun makes."""

    def __init__(self, uri: str, timeout: float = 10.0) -> None:
        self.uri = uri.rstrip("/")
        self.timeout = timeout

    def call(self, path: str, body: dict[str, Any] | None = None, query: str = "") -> dict[str, Any]:
        """POST `body`, or GET without one, and return the answer's object."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        user = os.environ.get("MLFLOW_TRACKING_USERNAME")
        if user:
            pair = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif os.environ.get("MLFLOW_TRACKING_TOKEN"):
            headers["Authorization"] = "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]
        request = urllib.request.Request(f"{self.uri}/api/2.0/mlflow/{path}{query}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            found = json.loads(answer.read() or b"{}")
        return found if isinstance(found, dict) else {}

    def experiments(self) -> dict[str, str]:
        """Experiment id to name, of all that are active."""
        names: dict[str, str] = {}
        token = ""
        while True:
            query = urlencode({"max_results": 1000, **({"page_token": token} if token else {})})
            page = self.call("experiments/search", query=f"?{query}")
            names.update({e["experiment_id"]: e["name"] for e in page.get("experiments", [])})
            token = page.get("next_page_token", "")
            if not token:
                return names

    def runs(self, filter_string: str, experiments: list[str] | None = None) -> list[dict[str, Any]]:
        """The runs that `filter_string` selects, oldest first, in MLflow's own shape."""
        ids = self.experiments().keys() if experiments is None else experiments
        if not ids:
            return []
        body = {
            "experiment_ids": list(ids), "filter": filter_string, "max_results": 1000,
            "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        found = self.call("runs/search", body).get("runs", [])
        return list(found)

    def launch_runs(self, launch: str) -> list[dict[str, Any]]:
        return self.runs(f"tags.`{LAUNCH_TAG}` = '{launch}'")

    def close(self, runs: list[dict[str, Any]], state: str, exit_code: int | None) -> list[dict[str, str]]:
        """Make the status of `runs` say what really happened; return id and status of each."""
        closed = []
        for run in runs:
            info = run["info"]
            wanted = _true_status(info["status"], state)
            if wanted != info["status"]:
                body = {"run_id": info["run_id"], "status": wanted, "end_time": int(time.time() * 1000)}
                self.call("runs/update", body)
            tags = [{"key": STATE_TAG, "value": state}, {"key": EXIT_TAG, "value": str(exit_code)}]
            self.call("runs/log-batch", {"run_id": info["run_id"], "tags": tags})
            closed.append({"run_id": info["run_id"], "status": wanted})
        return closed


def _true_status(status: str, state: str) -> str:
    """The exit code is the truth: a failed script has no FINISHED run, an ended one no RUNNING run."""
    if status in ("RUNNING", "SCHEDULED"):
        return state
    return "FAILED" if status == "FINISHED" and state == "FAILED" else status


def probe_tracking(url: str, viewpoint: str) -> None:
    """Ask the tracking server something that its host check does not exempt.

    Raises:
        ProbeError: as `probe_tcp`, or with what the server answered.
    """
    probe_tcp("MLflow", TRACKING_URI, url, viewpoint)
    start = f"Failed to use MLflow from the {viewpoint}"
    try:
        Tracking(url).call("experiments/search", query="?max_results=1")
    except urllib.error.HTTPError as error:
        text = error.read(500).decode(errors="replace").strip()
        if error.code == 403 and "host" in text.lower():
            raise ProbeError(
                f"{start}: {TRACKING_URI}={url} answers 403, it does not accept this Host header.",
                f"Add {urlsplit(url).netloc} to mlflow_allowed_hosts (of an MLflow not ours: to its --allowed-hosts).",
            ) from error
        if error.code in (401, 403):
            raise ProbeError(
                f"{start}: {TRACKING_URI}={url} answers {error.code}, it wants a user.",
                "Set its user and password in training_secret_env.",
            ) from error
        raise ProbeError(
            f"{start}: {TRACKING_URI}={url} answers {error.code} to its own API.", "Is it an MLflow server?"
        ) from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        raise ProbeError(
            f"{start}: {TRACKING_URI}={url}: {cause}.", "Is it an MLflow server, and http or https as it speaks?"
        ) from error


def s3_client(endpoint: str, access_key: str, secret_key: str, region: str) -> Any:
    """A boto3 client that gives up quickly and never sends the checksums that other stores refuse."""
    import boto3
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS, "read_timeout": 20, "retries": {"total_max_attempts": 2},
        "request_checksum_calculation": "when_required", "response_checksum_validation": "when_required",
    }  # fmt: skip
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
        client.put_object(Bucket=bucket, Key=PROBE_KEY, Body=PROBE_BODY)
        found = client.get_object(Bucket=bucket, Key=PROBE_KEY)["Body"].read()
    except Exception as error:  # boto3's errors share no base class that could be named without importing it
        raise s3_problem(error, bucket, endpoint, viewpoint) from error
    if found != PROBE_BODY:
        raise ProbeError(
            f"Failed to use the S3 store from the {viewpoint}: what was written to s3://{bucket}/{PROBE_KEY} at "
            f"{endpoint} reads differently.", "Is something between the run and the store changing bytes?",
        )  # fmt: skip


_S3_CAUSES = {
    "InvalidAccessKeyId": ("it does not know the access key", "Set object_store_access_key to a key of this store."),
    "SignatureDoesNotMatch": ("the secret key is wrong", "Set object_store_secret_key to the secret of this key."),
    "NoSuchBucket": ("the bucket does not exist", "Name another by object_store_bucket; samerun up makes ours."),
    "AccessDenied": ("the key may not write and read there", "Give the key s3:PutObject and s3:GetObject."),
    "AuthorizationHeaderMalformed": ("it expects another region", "Set object_store_region to its region."),
    "EndpointConnectionError": ("nothing answers there", "Is it started? samerun up"),
    "ConnectTimeoutError": ("no answer within 5 s", "Is it started, and does a firewall stand between?"),
    "SSLError": ("TLS does not fit", "http or https in object_store_endpoint? Is its certificate known here?"),
}  # fmt: skip


def s3_problem(error: Exception, bucket: str, endpoint: str, viewpoint: str) -> ProbeError:
    """What boto3 raised, as one line."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "") or type(error).__name__
    cause, hint = _S3_CAUSES.get(code, (str(error) or code, "See the store's log."))
    where = f"Failed to use bucket {bucket} from the {viewpoint} ({S3_ENDPOINT}={endpoint})"
    return ProbeError(f"{where}: {cause.rstrip('.')}.", hint)


# ---- one launch --------------------------------------------------------------------------


class Shim:
    """Carries out one launch.

    Args:
        spec: see `targets/base.py`, `shim_spec`, for its keys; nothing in it is secret.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.env = dict(os.environ)
        self.child: subprocess.Popen[bytes] | None = None
        self.cancelled = 0
        self.timed_out = False
        self.report: dict[str, Any] = {"launch": spec["launch"], "started_at": now(), "stage": "prepare"}

    def run(self) -> int:
        """Do all of it; return the exit code, negative for a signal."""
        try:
            client = self._store()
            self._unpack(client)
            self._probe(client)
        except ProbeError as error:
            return self._refuse(error)
        code = self._script()
        self.report.update(stage="ended", ended_at=now(), exit_code=code if code >= 0 else 128 - code)
        if code < 0:
            self.report["signal"] = -code
        self._explain(code)
        self._close(code)
        self._leave_report()
        return code

    @property
    def state(self) -> str:
        code = self.report.get("exit_code")
        killed = self.report.get("signal") in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        return "KILLED" if self.cancelled or (killed and not self.timed_out) else "FAILED" if code else "FINISHED"

    def _store(self) -> Any:
        """A client for the store, or None where the trainer has no boto3 (it then cannot use S3 either)."""
        endpoint = self.env.get(S3_ENDPOINT)
        if not endpoint or "AWS_ACCESS_KEY_ID" not in self.env:
            return None
        try:
            keys = (self.env["AWS_ACCESS_KEY_ID"], self.env.get("AWS_SECRET_ACCESS_KEY", ""))
            return s3_client(endpoint, *keys, self.env.get("AWS_DEFAULT_REGION", ""))
        except ImportError:
            return None

    def _unpack(self, client: Any) -> None:
        os.makedirs(self.spec["work"], exist_ok=True)
        if self.spec.get("bundle_key"):
            data = self._fetch(client)
        else:
            with open(self.spec["bundle"], "rb") as packed:
                data = packed.read()
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            if hasattr(tarfile, "data_filter"):
                # Ours was made from the project folder; links in it may point where the project's own do.
                archive.extraction_filter = staticmethod(tarfile.tar_filter)
            archive.extractall(self.spec["work"])  # noqa: S202 - our own archive

    def _fetch(self, client: Any) -> bytes:
        bucket, key = self.spec["bucket"], self.spec["bundle_key"]
        if client is None:
            raise ProbeError("Failed to fetch the code: the trainer has no boto3.", "Add boto3 to its requirements.")
        try:
            data: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except Exception as error:  # as in probe_s3
            raise s3_problem(error, bucket, self.env[S3_ENDPOINT], self.spec["viewpoint"]) from error
        return data

    def _probe(self, client: Any) -> None:
        viewpoint = self.spec["viewpoint"]
        probe_tracking(self.env[TRACKING_URI], viewpoint)
        if self.env.get(S3_ENDPOINT):
            probe_tcp("the S3 store", S3_ENDPOINT, self.env[S3_ENDPOINT], viewpoint)
        if client is not None:
            probe_s3(client, self.spec["bucket"], self.env[S3_ENDPOINT], viewpoint)

    def _refuse(self, error: ProbeError) -> int:
        print(f"samerun: {error.message} {error.hint}".rstrip(), file=sys.stderr, flush=True)
        self.report.update(stage="probe", ended_at=now(), exit_code=None, reason=error.message, hint=error.hint)
        self._leave_report()
        return EX_UNAVAILABLE

    def _script(self) -> int:
        context = {LAUNCH_TAG: self.spec["launch"], FINGERPRINT_TAG: self.spec["fingerprint"]}
        # Without PYTHONUNBUFFERED a killed script loses its last 8 KB of output.
        self.env.update({"PYTHONUNBUFFERED": "1", RUN_CONTEXT: json.dumps(context)})
        # MLflow's telemetry changes os.environ from a thread; a request that reads it meanwhile fails, and the script.
        self.env.setdefault("DO_NOT_TRACK", "true")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._pass_on)
        signal.signal(signal.SIGALRM, self._deadline)
        self.report["script_started_at"] = now()
        try:
            self.child = subprocess.Popen(
                [sys.executable, self.spec["script"], *self.spec["args"]],
                cwd=self.spec["work"], env=self.env, start_new_session=True, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            print(f"samerun: Failed to start {self.spec['script']}: {error.strerror}.", file=sys.stderr, flush=True)
            return EX_SOFTWARE
        if self.spec.get("timeout"):
            signal.alarm(int(self.spec["timeout"]))
        code = self._reap(self.child.pid)
        signal.alarm(0)
        self._signal_group(signal.SIGKILL)  # what the script left running dies with it
        return code

    def _reap(self, pid: int) -> int:
        """Wait for the script and, as PID 1 of a container, for every orphan meanwhile."""
        while True:
            ended, status = os.waitpid(-1, 0)
            if ended == pid:
                return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def _pass_on(self, number: int, _frame: Any) -> None:
        """The first signal reaches the script, which then has its grace; the second ends it at once."""
        again, self.cancelled = bool(self.cancelled), number
        self._signal_group(signal.SIGKILL if again else number)
        signal.alarm(int(self.spec.get("grace", 30)))

    def _deadline(self, _number: int, _frame: Any) -> None:
        if self.cancelled or self.timed_out:
            self._signal_group(signal.SIGKILL)
        else:
            self.timed_out = True
            self._signal_group(signal.SIGTERM)
            signal.alarm(int(self.spec.get("grace", 30)))

    def _signal_group(self, number: int) -> None:
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.child.pid, number)

    def _explain(self, code: int) -> None:
        if self.timed_out:
            limit = self.spec["timeout"]
            self.report.update(
                reason=f"{self.spec['script']} was stopped after its time limit of {limit} s.",
                hint="Raise training_timeout.",
            )
        elif self.cancelled:
            self.report["reason"] = f"Cancelled by {signal.Signals(self.cancelled).name}."
        elif code < 0:
            self.report["reason"] = f"{self.spec['script']} was ended by {signal.Signals(-code).name}."
        elif code > 0:
            self.report["reason"] = f"{self.spec['script']} ended with exit code {code}."
            self.report["hint"] = "Its last lines say why."

    def _close(self, code: int) -> None:
        """Close the launch's MLflow runs; where MLflow is away, whoever reads the report does it later."""
        try:
            tracking = Tracking(self.env[TRACKING_URI], timeout=5)
            runs = tracking.launch_runs(self.spec["launch"])
            self.report["runs"] = tracking.close(runs, self.state, self.report["exit_code"])
            self.report["closed"] = True
        except (OSError, ValueError, KeyError) as error:
            self.report["closed"] = False
            print(f"samerun: MLflow is away, its runs are closed later ({error}).", file=sys.stderr, flush=True)

    def _leave_report(self) -> None:
        self.report["state"] = "FAILED" if self.report["exit_code"] is None else self.state
        part = self.spec["report"]
        if not os.path.exists(part):  # a plain file appears whole; Kubernetes' termination log is there already
            part += ".part"
        with open(part, "w", encoding="utf-8") as out:
            json.dump(self.report, out)
        if part != self.spec["report"]:
            os.replace(part, self.spec["report"])


def main(argv: list[str], leave: Callable[[int], Any] = sys.exit) -> None:
    with open(argv[1], encoding="utf-8") as spec:
        code = Shim(json.load(spec)).run()
    if code < 0 and os.getpid() != 1:  # PID 1 cannot signal itself
        with contextlib.suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    leave(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv)
