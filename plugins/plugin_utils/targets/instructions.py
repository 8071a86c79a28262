# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the instructions of the shim."""

from __future__ import annotations

import json

from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec

MOUNT = "mount"  # a value of training_delivery: the project's folder is the working folder, and nothing is unpacked


def shim_spec(
    spec: RunSpec,
    viewpoint: str,
    *,
    work: str,
    code: str,
    report: str,
    log: str,
    copy_log: bool = True,
    code_key: str = "",
    restarts: int = 0,
    submitted: float = 0,
) -> str:
    """Write the shim's instructions as JSON; they contain no secret.

    Args:
        log: the path of the log that is kept with the MLflow run; with `copy_log` the shim writes it.
        restarts: how often the shim itself restarts a lost script.
        submitted: the time of submission, in seconds since the epoch; set if an attempt cannot read the files of the
            attempt before it.
        work: the empty folder into which the code is unpacked and in which the script starts.
        code: the path of the bundle; empty with `code_key`.
        report: the path to which the shim writes its report.
        code_key: the key of the bundle in the world's bucket.
    """
    asked = spec.training
    return json.dumps(
        {
            "launch": spec.launch, "fingerprint": spec.fingerprint, "viewpoint": viewpoint,
            "script": asked.script, "args": list(asked.args), "work": work, "bundle": code, "bundle_key": code_key,
            "bucket": spec.bucket, "artifacts": spec.contract.mode,
            "own_hosts": list(spec.contract.own_hosts),
            "report": report, "timeout": asked.timeout, "log": log, "copy_log": copy_log,
            "world": spec.world, "target": asked.target, "bundle_sha256": spec.bundle_sha256,
            "secret_names": sorted(asked.secret_env), "retries": asked.retries, "restarts": restarts,
            "retry_failures": asked.retry_failures, "outputs": list(asked.keeping.outputs),
            "keep_code": asked.keeping.code, "record_failures": asked.keeping.failures,
            **({"imports": dict(spec.imports)} if spec.imports else {}),
            **({"submitted": submitted} if submitted else {}),
            **({"mounted": True} if asked.delivery == MOUNT else {}),
        },
        sort_keys=True,
    )  # fmt: skip
