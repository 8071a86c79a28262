# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The script's parent, on every target; it travels with each launch.

It unpacks the code into a fresh folder, looks at every endpoint from exactly where the script will use it, starts
the script, passes signals on, closes the script's MLflow runs by the truth of its exit, leaves a report and ends as
the script ended. It needs nobody who watches. It runs under the trainer's interpreter, so that it and what it
imports know only the standard library (Python 3.8) and, for S3, the trainer's own boto3. See shim_archive.py for
how it travels.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from datetime import datetime, timezone
from typing import Any, Callable

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.plugin_utils import imports, probes, tracking

RUN_CONTEXT = "MLFLOW_RUN_CONTEXT"
EX_UNAVAILABLE, EX_SOFTWARE = 69, 70


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
            wanted, script, work = self.spec.get("imports", {}), self.spec["script"], self.spec["work"]
            with imports.Checking(wanted, script, work, self.env) as checking:
                self._probe(client)
                self.report["imports"] = checking.result()
        except probes.ProbeError as error:
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
        endpoint = self.env.get(probes.S3_ENDPOINT)
        access_key, secret_key, region = (
            self.env.get(contract.name_of(source), "") for source in ("access_key", "secret_key", "region")
        )
        if not endpoint or not access_key:
            return None
        try:
            return probes.s3_client(endpoint, access_key, secret_key, region)
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
            raise probes.ProbeError(
                "Failed to fetch the code: the trainer has no boto3.", "Add boto3 to its requirements."
            )
        try:
            data: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except Exception as error:  # as in probe_s3
            raise probes.s3_problem(error, bucket, self.env[probes.S3_ENDPOINT], self.spec["viewpoint"]) from error
        return data

    def _probe(self, client: Any) -> None:
        viewpoint = self.spec["viewpoint"]
        probes.probe_tracking(self.env[probes.TRACKING_URI], viewpoint)
        if self.env.get(probes.S3_ENDPOINT):
            probes.probe_tcp("the S3 store", probes.S3_ENDPOINT, self.env[probes.S3_ENDPOINT], viewpoint)
        if client is not None:
            probes.probe_s3(client, self.spec["bucket"], self.env[probes.S3_ENDPOINT], viewpoint)

    def _refuse(self, error: probes.ProbeError) -> int:
        print(f"samerun: {error.message} {error.hint}".rstrip(), file=sys.stderr, flush=True)
        self.report.update(stage="probe", ended_at=now(), exit_code=None, reason=error.message, hint=error.hint)
        self._leave_report()
        return EX_UNAVAILABLE

    def _script(self) -> int:
        context = {tracking.LAUNCH_TAG: self.spec["launch"], tracking.FINGERPRINT_TAG: self.spec["fingerprint"]}
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
            server = tracking.Tracking(self.env[probes.TRACKING_URI], timeout=5)
            runs = server.launch_runs(self.spec["launch"])
            self.report["runs"] = server.close(runs, self.state, self.report["exit_code"])
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
