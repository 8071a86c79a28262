# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a launch as a process of this host, in a session of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ansible_collections.samerun.stack.plugins.module_utils import callers, causes, files
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause, Why
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    Outcome,
    RunRecord,
    RunSpec,
    RunState,
)
from ansible_collections.samerun.stack.plugins.module_utils.training import EnvironmentRequest, Volume
from ansible_collections.samerun.stack.plugins.plugin_utils.code import code_images, shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import private_mounts, processes
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping, script_process
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.ending import PART
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import (
    Left,
    Target,
    mask,
    outcome_from,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.instructions import MOUNT, shim_spec
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.unsupported import cluster_options, refuse
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials

_POLL = 0.02
_AGAIN = "again.json"
_REPORT = "report.json"
_BEGUN = f"{_REPORT}{PART}"  # the first file that the shim makes
_SHIM_KILLED = Why(Cause.TAKEN_AWAY, "The run's parent process was killed, and the script with it.", causes.AGAIN)
_TAIL = 2000  # bytes
_CARRIERS = (
    _AGAIN, _BEGUN, "alive.lock", "bundle.tar.gz", private_mounts.REFUSAL, _REPORT, f"{_REPORT}.attempts", "shim.json",
    "spec.json", "submitted.json", shim_archive.NAME,
)  # fmt: skip


class ProcessTarget(Target):
    """Runs launches as processes; instructions, code, log, report and the shim's lock are in the launch's folder."""

    NAME = "process"
    VIEWPOINT = "host"

    def check(self) -> None:
        """Check nothing: only this interpreter is needed."""

    def environment(self, request: EnvironmentRequest) -> Environment:
        if request.image:
            raise SamerunError(
                "Failed to plan the run: training_image is set, and the process target runs no images.",
                "Unset it, or train on docker or kubernetes.",
                CONFIG,
            )
        if request.python:
            python = shutil.which(os.path.expanduser(request.python))
            if python is None:
                raise SamerunError(
                    f"Failed to find the interpreter {request.python} of training_python.",
                    "Give the path of a Python that has what the script imports.",
                    NO_INPUT,
                )
            return Environment(python=os.path.abspath(python), key=request.python)
        venv = venvs.folder(self.world.cache, request.requirements)
        return Environment(python=str(venv / "bin" / "python"), key=venv.name)

    def prepare(self, request: EnvironmentRequest, environment: Environment) -> Environment:
        if not request.python:
            venvs.ensure(self.world.cache, request.requirements, self.say)
        return environment

    def plan(self, spec: RunSpec) -> dict[str, Any]:
        asked = spec.training
        elsewhere = "Unset it, or train on docker or kubernetes."
        refuse({"training_resources": asked.resources}, "the process target cannot limit a process", elsewhere)
        refuse({"training_overlay": asked.overlay}, "a process has no native request to merge it over", elsewhere)
        named = asked.network if asked.network != "host" else ""
        refuse({"training_network": named}, "a process has the network of this host", elsewhere)
        baked = asked.delivery == code_images.DELIVERY
        refuse({"training_delivery (image)": baked}, "the process target runs no images", "Leave it out, or say mount.")
        refuse(cluster_options(spec), "there is no cluster that would obey", "Unset it, or train on kubernetes.")
        return self._request(spec, mask(spec.secrets))

    def submit(self, spec: RunSpec, code: Bundle) -> None:
        folder = self._folder(spec.launch)
        request = self._request(spec, spec.secrets)
        # Written first: if this process dies here, the next command finds the launch by it.
        files.write_private(self.world.folder(spec.launch).submitted, spec.record().as_json())
        files.write_private(folder / "bundle.tar.gz", code.data)
        files.write_private(folder / "spec.json", request["instructions"])
        files.write_private(folder / shim_archive.NAME, shim_archive.data(compiled=True))
        for volume in request["volumes"]:
            Path(volume["source"]).mkdir(parents=True, exist_ok=True)
        if spec.training.retries:
            # Another command may have to restart the launch: it needs these values. The world's keys are not among
            # them, since that command can read them where the world keeps them.
            known = {"argv": request["argv"], "plain": dict(spec.plain), "keys": sorted(spec.contract.secret)}
            files.write_json(folder / _AGAIN, {**known, "secret_env": dict(spec.training.secret_env)})
        self._start(folder, request["argv"], request["env"])

    def restart(self, launch: str) -> bool:
        folder = self._folder(launch)
        again = files.read_json(folder / _AGAIN)
        if not again or files.is_locked(folder / "alive.lock"):
            return False
        keys = self.world.contract(self.VIEWPOINT, credentials.for_runs(self.world)).secret if again["keys"] else {}
        env = {**again["plain"], **{name: keys[name] for name in again["keys"] if name in keys}, **again["secret_env"]}
        processes.kill(launch)
        # The report of the last attempt must not be taken for the new one's.
        for name in (_REPORT, _BEGUN):
            (folder / name).unlink(missing_ok=True)
        self._start(folder, again["argv"], env)
        return True

    @staticmethod
    def _start(folder: Path, argv: list[str], env: Mapping[str, str]) -> None:
        with open(folder / "alive.lock", "ab") as alive, open(folder / "log.txt", "ab") as log:
            # The shim inherits the lock and holds it exactly as long as it lives, even if it is killed.
            fcntl.flock(alive, fcntl.LOCK_EX)
            # The shim inherits the blocked signals: they wait until it has set its handlers.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, script_process.SIGNALS)
            try:
                shim = subprocess.Popen(
                    argv, env={**callers.inherited(os.environ), **env}, cwd=folder,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    pass_fds=(alive.fileno(),),
                )  # fmt: skip
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        files.write_json(folder / "shim.json", {"pid": shim.pid})
        # A program that goes on after it has submitted a launch must not keep the ended shim as a zombie.
        threading.Thread(target=shim.wait, daemon=True).start()

    def follow(self, launch: str) -> Iterator[bytes]:
        folder = self._folder(launch)
        with self._log(folder) as log:
            while True:
                alive = files.is_locked(folder / "alive.lock")
                if found := log.read(1 << 16):
                    yield found
                elif not alive:
                    return
                else:
                    time.sleep(_POLL)

    def log(self, launch: str) -> Iterator[bytes]:
        with self._log(self._folder(launch)) as log:
            while found := log.read(1 << 16):
                yield found

    def outcome(self, launch: str) -> Outcome | None:
        folder = self._folder(launch)
        if files.is_locked(folder / "alive.lock"):
            return None
        report = files.read_json(folder / _REPORT)
        if not report and not (folder / _BEGUN).exists():
            return outcome_from({}, exit_code=None, **_never_began(folder).facts)
        if causes.read(report)["cause"] is Cause.OUT_OF_MEMORY:  # its usual hint is to raise what we refuse
            report["hint"] = "Use less, or train where there is more."
        attempts = _lines(folder / f"{_REPORT}.attempts")
        return outcome_from(report, exit_code=None, state=RunState.KILLED, attempts=attempts, **_SHIM_KILLED.facts)

    def left(self, launch: str, folder: Path) -> Left:
        spec = files.read_json(self._folder(launch) / "spec.json")
        code = spec["bundle"] if spec.get("keep_code") else ""
        outputs = spec.get("outputs", [])
        return Left(code, tuple(keeping.files(spec["work"], outputs)) if outputs else ())

    def launches(self) -> list[RunRecord]:
        submitted = (files.read_json(path) for path in sorted(self.world.runs.glob("*/submitted.json")))
        # Another command may settle a launch, and remove its file, at the same time.
        return [RunRecord.from_dict(found) for found in submitted if found.get("target") == self.NAME]

    def cancel(self, launch: str, number: int) -> None:
        pid = files.read_json(self._folder(launch) / "shim.json").get("pid")
        if pid and self.outcome(launch) is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(int(pid), number)
                os.kill(int(pid), signal.SIGCONT)  # a stopped process would receive the signal only when it goes on

    def end_rest(self, launch: str) -> None:
        processes.kill(launch)

    def remove(self, launch: str) -> None:
        """Remove the files that only served to run the launch; the script's files, log and record stay."""
        for name in _CARRIERS:
            (self._folder(launch) / name).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self._folder(launch) / private_mounts.ROOT).rmdir()

    @staticmethod
    def _log(folder: Path) -> BinaryIO:
        """Open the log; it is empty if the command died before it made one."""
        path = folder / "log.txt"
        return open(path if path.exists() else os.devnull, "rb")

    def _folder(self, launch: str) -> Path:
        return files.private_folder(self.world.runs / launch)

    def _request(self, spec: RunSpec, secrets: Mapping[str, str]) -> dict[str, Any]:
        asked = spec.training
        folder = self.world.runs / spec.launch
        volumes = [_bound(volume, self.world.state) for volume in asked.volumes]
        argv = [spec.environment.python, str(folder / shim_archive.NAME), str(folder / "spec.json")]
        return {
            "argv": private_mounts.wrapped(argv, volumes),
            "env": {**spec.plain, **secrets},
            "instructions": shim_spec(
                spec, self.VIEWPOINT, work=asked.folder if asked.delivery == MOUNT else str(folder / "work"),
                code=str(folder / "bundle.tar.gz"), report=str(folder / _REPORT),
                log=str(folder / "log.txt"), copy_log=False, restarts=asked.retries,
            ),
            "volumes": volumes,
        }  # fmt: skip


def _lines(path: Path) -> int:
    return len(path.read_text().split()) if path.exists() else 0


def _never_began(folder: Path) -> Why:
    """Say why a launch ended before its shim began: from the note of what refused it, or its log's last line."""
    if refused := files.read_json(folder / private_mounts.REFUSAL):
        return Why(Cause.REFUSED, refused["reason"], causes.LAST_LINES)
    path = folder / "log.txt"
    if not path.exists():
        reason = "It was submitted and never started: the command that submitted it died."
        return Why(Cause.UNSTARTABLE, reason, causes.LAST_LINES)
    with open(path, "rb") as log:
        log.seek(max(0, path.stat().st_size - _TAIL))
        lines = log.read().decode(errors="replace").strip().splitlines()
    last = f": {lines[-1].strip().rstrip('.')}" if lines else ", without a word"
    return Why(Cause.UNSTARTABLE, f"The run's interpreter ended before the run began{last}.", causes.LAST_LINES)


def _bound(volume: Volume, state: Path) -> dict[str, Any]:
    source = str(state / "volumes" / volume.source) if volume.named else volume.source
    return {"source": source, "path": volume.path, "read_only": volume.read_only}
