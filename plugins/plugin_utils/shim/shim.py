# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parent process of the script, on every target.

The shim unpacks the code into a new folder and probes every endpoint from where the script will use it. It starts the
script and passes signals to it. When the script ends, the shim closes its MLflow runs by the exit code, writes a
report, and ends as the script ended. No other process needs to watch it. code/shim_archive.py packs it for a launch.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from typing import Any, Callable, TypeVar

from ansible_collections.samerun.stack.plugins.module_utils import causes, contract
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import (
    descendants,
    imports,
    mlflow_words,
    probes,
    probing,
    proxies,
    s3,
    tracking,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.attempts import Attempts, now
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.delivered_code import DeliveredCode
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.ending import Ending
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.names import CANCELLED, LAUNCH, RUN_CONTEXT, RUN_ID
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_output import Output
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.script_process import GRACE_SECONDS, ScriptProcess
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.signing import Keys

EX_UNAVAILABLE, EX_SOFTWARE = 69, 70
EX_FINAL = 1  # keeps an engine from trying again what would be killed again; the report has the real exit code
_REASON_LENGTH = 1000
_AGAIN_SECONDS = 1.0  # wait before a killed script is started again
_PATIENCE = 200.0  # seconds; the contract lets the script's MLflow client wait as long
_T = TypeVar("_T")
_SPEC_FACTS = ("launch", "world", "target", "script", "fingerprint", "bundle_sha256")


class Shim:
    """Carries out one launch.

    Args:
        spec: for its keys see `shim_spec` in targets/instructions.py; it holds no secrets.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        # For the requests of the script and for those of the shim itself.
        os.environ.update(proxies.unproxied(os.environ, spec.get("own_hosts", ())))
        self.env = dict(os.environ)
        self.began = time.monotonic()
        self.server = tracking.Tracking(self.env[probes.TRACKING_URI], 5, contract.Login.of(self.env))
        self.code = DeliveredCode(spec, self.env, self.server, None)
        self.report: dict[str, Any] = {name: spec[name] for name in _SPEC_FACTS if name in spec}
        self.report.update(started_at=now(), stage="prepare")
        secret = {*contract.keys(secret=True), *spec.get("secret_names", [])}
        os.makedirs(os.path.dirname(spec["log"]) or ".", exist_ok=True)
        self.output = Output([self.env.get(name, "") for name in secret], spec["log"] if spec["copy_log"] else "")
        note = os.path.join(os.path.dirname(spec["log"]), CANCELLED)
        grace = int(spec.get("grace", GRACE_SECONDS))
        self.script = ScriptProcess(self.output, int(spec.get("timeout", 0)), grace, note)
        self.attempts = Attempts(spec)
        self.ending = Ending(spec, self.report, self.output, self.server, self.code)

    def run(self) -> int:
        """Carry out the launch; return the exit code, negative for a signal."""
        try:
            return self._run()
        except Exception as error:  # any error: without a report, the launch would seem to have been killed
            descendants.kill_all(os.getpid())
            cause = f"{type(error).__name__}: {error}".rstrip(".")
            return self._refuse(probes.ProbeError(f"Failed to carry out the run: {cause}.", causes.AGAIN), EX_SOFTWARE)

    def _run(self) -> int:
        try:
            self._prepare()
            code = self._attempts()
        except probes.ProbeError as error:
            if not self.script.cancelled:
                return self._refuse(error)
            code = -self.script.cancelled
        self.report.update(stage="ended", ended_at=now(), exit_code=code if code >= 0 else 128 - code)
        if self._never_began:
            self.report["exit_code"] = None
        self.report["seconds"] = round(time.monotonic() - self.began, 3)
        if code < 0:
            self.report["signal"] = -code
        self._explain(code)
        self.end()
        return code

    @property
    def _never_began(self) -> bool:
        """Whether the script has never started, neither in this attempt nor in an earlier one."""
        return "attempts" not in self.report and not self.attempts.again

    @property
    def _proxied(self) -> bool:
        """Whether the run reaches the store through MLflow."""
        return bool(self.spec.get("artifacts") == contract.PROXIED)

    def _store(self) -> S3Client | None:
        """Return a client for the store; None if the run has no keys of the store."""
        endpoint = self.env.get(probes.S3_ENDPOINT)
        access_key, secret_key, region = (
            self.env.get(contract.name_of(source), "") for source in ("access_key", "secret_key", "region")
        )
        if self._proxied or not endpoint or not access_key:
            return None
        return s3.s3_client(endpoint, Keys(access_key, secret_key, self.env.get("AWS_SESSION_TOKEN", "")), region)

    def _probe(self) -> str:
        endpoint = "" if self._proxied else self.env.get(probes.S3_ENDPOINT, "")
        return probing.probe_all(
            self.server, endpoint, self.code.client, self.spec["bucket"], self.spec["viewpoint"],
            artifacts=self._proxied, own_hosts=self.spec.get("own_hosts", ()),
        )  # fmt: skip

    def _prepare(self) -> None:
        """Probe all endpoints that the script will use, unpack its code, and check its imports.

        Raises:
            ProbeError: the script would fail, with the reason.
        """
        self.code.client = self._store()
        if self.script.cancelled:
            return
        # Probe the store first if the code must be fetched from it.
        looked = self._patiently(self._probe) if self.spec.get("bundle_key") else None
        self._patiently(self.code.unpack)
        with imports.Checking(self.spec, self.env) as checking:
            server = self._patiently(self._probe) if looked is None else looked
            self.report["imports"] = checking.result(server, self.output.say)

    def _patiently(self, probe: Callable[[], _T]) -> _T:
        """Call `probe`; try again for a while if an earlier attempt succeeded, as the service may be restarting."""
        again = self.spec.get("retries") and (self.attempts.again or "attempts" in self.report)
        seconds = float(self.spec.get("patience", _PATIENCE)) if again else 0.0
        return probing.patiently(probe, seconds, self.output.say, self._stopped)

    def _refuse(self, error: probes.ProbeError, code: int = EX_UNAVAILABLE) -> int:
        self.output.say(f"{error.message} {error.hint}".rstrip())
        self.report.update(stage="probe", ended_at=now(), exit_code=None)
        self._because(Why(Cause.REFUSED, error.message, error.hint))
        self.end()
        return code

    def _attempts(self) -> int:
        """Run the script; run it again each time it is lost, while attempts are left."""
        self.began = time.monotonic()
        self.report["script_started_at"] = now()
        before = self.attempts.began
        if before:
            self.report.update(attempts=len(before), started_at=before[0])
        left = self.attempts.restarts - len(before)
        if left < 0:
            return -signal.SIGKILL  # the last allowed attempt was lost
        while not self.script.cancelled:
            self._count_attempt()
            code = self._attempt()
            lost = code == -signal.SIGKILL and not self.script.out_of_memory
            again = lost or (code and self.spec.get("retry_failures"))
            if not again or not left or self._stopped():
                return code
            left -= 1
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            self.output.say(f"{self.spec['script']} {how} and is started again; {left} more after that.")
            time.sleep(_AGAIN_SECONDS)
            self._patiently(self.code.unpack)
        return -self.script.cancelled

    def _count_attempt(self) -> None:
        self.report["attempts"] = self.report.get("attempts", 0) + 1
        self.attempts.count(self.report["started_at"])

    def _stopped(self) -> bool:
        return bool(self.script.cancelled or self.script.timed_out)

    def _attempt(self) -> int:
        context = {tracking.LAUNCH_TAG: self.spec["launch"], tracking.FINGERPRINT_TAG: self.spec["fingerprint"]}
        # Without PYTHONUNBUFFERED a killed script loses its last 8 KB of output.
        env = {**self.env, "PYTHONUNBUFFERED": "1", RUN_CONTEXT: json.dumps(context), LAUNCH: self.spec["launch"]}
        # MLflow's telemetry changes os.environ in a thread. A request that reads it at that moment fails the script.
        env.setdefault("DO_NOT_TRACK", "true")
        if self.spec.get("retries"):
            runs, run = self._patiently(self._before)
            if self.script.spend(self.attempts.spent(runs)):
                return -signal.SIGTERM
            if run:
                return self._resumed(env, runs, run)
        return self._script(env)

    def _resumed(self, env: dict[str, str], runs: list[dict[str, Any]], run: str) -> int:
        """Let the script continue `run`; if it sets another experiment, start it again with a new run."""
        self.output.say(f"This attempt continues the MLflow run {run} of an earlier one.")
        self.output.listen_for(mlflow_words.other_experiment(run))
        code = self._script({**env, RUN_ID: run})
        if not code or not self.output.heard or self._stopped():
            return code
        self.output.say(f"It does not: {self.spec['script']} sets another experiment now, and begins a run of its own.")
        # If this fails, the run is closed at the end of the launch with all others.
        with contextlib.suppress(OSError, ValueError, KeyError):
            self.server.set_aside(runs, run)
        self._patiently(self.code.unpack)
        return self._script(env)

    def _script(self, env: dict[str, str]) -> int:
        """Run the script once; return its exit code, negative for a signal."""
        try:
            return self.script.run([sys.executable, self.spec["script"], *self.spec["args"]], self.spec["work"], env)
        except OSError as error:
            self.output.say(f"Failed to start {self.spec['script']}: {error.strerror}.")
            return EX_SOFTWARE

    def _before(self) -> tuple[list[dict[str, Any]], str]:
        """Return the MLflow runs of earlier attempts, and the id of the one to continue, empty for none."""
        try:
            runs = self.server.launch_runs(self.spec["launch"])
            return runs, self.server.resumable(runs)
        except (OSError, ValueError, KeyError) as error:
            ours = probes.is_ours(self.server.uri, self.spec.get("own_hosts", ()))
            raise probes.ProbeError(
                f"Failed to ask MLflow ({probes.TRACKING_URI}={self.server.uri}) for the run to go on with: {error}.",
                probes.starting(probes.TRACKING_URI, ours=ours),
            ) from error

    @property
    def is_final(self) -> bool:
        """Whether an engine that restarts killed scripts must not restart this one."""
        over = self.script.timed_out or self.script.out_of_memory
        return bool(over and self.spec.get("retries") and not self.spec.get("retry_failures"))

    @property
    def state(self) -> str:
        code, script = self.report["exit_code"], self.script
        if code is None:
            return "KILLED" if script.cancelled else "FAILED"
        killed = self.report.get("signal") in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        by_itself = script.timed_out or script.out_of_memory
        return "KILLED" if script.cancelled or (killed and not by_itself) else "FAILED" if code else "FINISHED"

    def _explain(self, code: int) -> None:
        script = self.spec["script"]
        if self.script.timed_out:
            self._because(causes.timed_out(script, self.spec["timeout"]))
        elif self.script.cancelled:
            self._because(causes.cancelled(self.script.cancelled, started=not self._never_began))
        elif self.script.out_of_memory:
            self._because(causes.OUT_OF_MEMORY)
        elif code:
            self._because(causes.ended(script, code))

    def end(self) -> None:
        """End the launch, see `Ending`."""
        self.report["state"] = self.state
        try:
            self.ending.end()
        except Exception as error:  # the exit code is known; the reader of the report does the rest
            self.output.say(f"Failed to end the launch: {type(error).__name__}: {error}.")

    def _because(self, why: Why) -> None:
        self.report.update({**why.facts, "reason": why.reason[:_REASON_LENGTH]})


def main(argv: list[str], leave: Callable[[int], Any] = sys.exit) -> None:
    with open(argv[1], encoding="utf-8") as spec:
        shim = Shim(json.load(spec))
    code = shim.run()
    if os.getpid() == 1 and shim.is_final:
        leave(EX_FINAL)
    if code < 0 and os.getpid() != 1:  # PID 1 cannot signal itself
        with contextlib.suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    leave(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main(sys.argv)
