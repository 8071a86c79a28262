# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data classes of a run that are the same for all targets: request, record, state and outcome."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.contract import Contract, name_of
from ansible_collections.samerun.stack.plugins.module_utils.training import Training

_NAME_LENGTH = 24
_OPTIONAL = ("cause", "cancelled_by")  # keys that an engine's copy has only if their value is not empty


class RunState(StrEnum):
    """The states of a launch; the last three are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True)
class Environment:
    """The interpreter of the script: one of the host, or one in an image.

    Attributes:
        key: its part of the fingerprint: the hash of the requirements, or the interpreter or image that the user named.
    """

    python: str
    image: str = ""
    digest: str = ""
    key: str = ""


@dataclass(frozen=True)
class RunSpec:
    """Everything that a target needs to run a script.

    Attributes:
        training: the user's options.
        contract: the contract, resolved for the target's viewpoint.
        imports: the imports that the shim must try before it starts the script, see shim/imports.py.
    """

    launch: str
    world: str
    training: Training
    script_sha256: str
    bundle_sha256: str
    fingerprint: str
    environment: Environment
    contract: Contract
    bucket: str
    imports: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain(self) -> dict[str, str]:
        """Return all environment variables that may be shown."""
        return {**self.contract.plain, **self.training.env}

    @property
    def secrets(self) -> dict[str, str]:
        """Return all secret environment variables."""
        return {**self.contract.secret, **self.training.secret_env}

    def record(self) -> RunRecord:
        """Return the launch's record as it is before anything runs."""
        given = self.training
        return RunRecord(
            launch=self.launch, name=given.name, world=self.world, target=given.target, script=given.script,
            script_sha256=self.script_sha256, bundle_sha256=self.bundle_sha256, fingerprint=self.fingerprint,
            contract={"names": self.contract.names, "sha256": self.contract.sha256},
            image=self.environment.digest or self.environment.image,
            tracking_uri=self.contract.plain[name_of("tracking_uri")],
            retries=given.retries, outputs=list(given.keeping.outputs), record_failures=given.keeping.failures,
        )  # fmt: skip


@dataclass
class MlflowRun:
    """One MLflow run of a launch; `metrics` has the last values, `url` is its page for a browser on this host."""

    run_id: str
    experiment: str
    status: str
    name: str = ""
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    url: str = ""


@dataclass
class RunRecord:
    """The record of a launch; `record.json` is this class as JSON.

    Attributes:
        exit_code: the script's exit code, 128 + n if signal n ended it; None if the script never ran.
        cause: why it ended, for programs; `reason` and `hint` are for the user.
        cancelled_by: the name of the signal if the cause is CANCELLED. The JSON omits it and `cause` if they are empty.
        durations: seconds of each phase.
        started_at, ended_at: UTC, ISO 8601.
        tracking_uri: the value that the script saw.
        attempts: how often the script was started.
        retries, outputs, record_failures: the user's options, see `Training` and `Keeping`.
    """

    launch: str
    name: str
    world: str
    target: str
    script: str
    script_sha256: str
    bundle_sha256: str
    fingerprint: str
    contract: dict[str, Any]
    image: str
    tracking_uri: str
    state: RunState = RunState.PENDING
    exit_code: int | None = None
    cause: Cause = Cause.NONE
    cancelled_by: str = ""
    reason: str = ""
    hint: str = ""
    mlflow_runs: list[MlflowRun] = field(default_factory=list)
    started_at: str = ""
    ended_at: str = ""
    durations: dict[str, float] = field(default_factory=dict)
    attempts: int = 1
    retries: int = 0
    outputs: list[str] = field(default_factory=list)
    record_failures: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "state": self.state.value, "cause": self.cause.value}

    def as_json(self) -> str:
        """The record as an engine keeps it with a launch, before there is an end to tell of."""
        told = {name: value for name, value in self.as_dict().items() if value or name not in _OPTIONAL}
        return json.dumps(told, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> RunRecord:
        """Make a record from a dictionary, the inverse of `as_dict`; unknown keys are ignored."""
        known = {f.name for f in dataclasses.fields(cls)}
        values = {k: v for k, v in found.items() if k in known} | causes.read(found)
        values["state"] = RunState(values.get("state", "PENDING"))
        values["mlflow_runs"] = [MlflowRun(**run) for run in values.get("mlflow_runs", [])]
        return cls(**values)


@dataclass(frozen=True)
class Outcome:
    """How a launch ended, in the same terms for all targets.

    Attributes:
        exit_code: as in `RunRecord`.
        state: the final state.
        report: the shim's report; empty if the shim died with the script.
        cause, cancelled_by, reason, hint: as in `RunRecord`; from the engine if it knows better than the shim.
        attempts: the attempts that the engine counted; 0 if it does not count them.
        gone: whether the engine does not have the launch any more: it was removed by hand, or collected elsewhere.
    """

    exit_code: int | None
    report: Mapping[str, Any]
    state: RunState = RunState.FAILED
    cause: Cause = Cause.NONE
    cancelled_by: str = ""
    reason: str = ""
    hint: str = ""
    started_at: str = ""
    ended_at: str = ""
    attempts: int = 0
    gone: bool = False

    @property
    def lost(self) -> bool:
        """Whether the shim died with the script and nobody cancelled it, so that another attempt may be started."""
        return not self.report and self.state is RunState.KILLED


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from `start` to `end` (ISO 8601); 0.0 if one is missing."""
    if not start or not end:
        return 0.0
    return round((parse_time(end) - parse_time(start)).total_seconds(), 3)


def parse_time(text: str) -> datetime:
    # Engines write nanoseconds, which Python cannot parse.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))


def slug(name: str) -> str:
    """Turn `name` into a DNS label of at most 24 characters; it ends in a hash of `name` if characters were lost."""
    clean = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if clean and clean == name and len(clean) <= _NAME_LENGTH:
        return clean
    suffix = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{clean[: _NAME_LENGTH - 7].strip('-') or 'run'}-{suffix}"


def new_launch(name: str) -> str:
    """Return a new launch id: a DNS label that sorts by time, with room for a Job's prefix and a pod's suffix."""
    return f"{slug(name)}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def fingerprint(**parts: Any) -> str:
    """Return a hash of everything that can change a training's result; endpoints, keys and ports cannot."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=dataclasses.asdict).encode()).hexdigest()
