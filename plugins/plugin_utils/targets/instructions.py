# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the shim is told of a launch."""

from __future__ import annotations

import json

from ansible_collections.samerun.stack.plugins.module_utils.run import RunSpec

MOUNT = "mount"  # a delivery: the working folder is the project itself, and nothing is unpacked


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
    """The shim's instructions as JSON; nothing in them is secret.

    Args:
        log: the path of the log that is kept with the MLflow run; with `copy_log` the shim writes it.
        restarts: how often the shim itself starts a lost script again.
        submitted: when, in seconds since the epoch, where an attempt finds no file of the one before it.
        work: the fresh folder that the code is unpacked to, where the script starts.
        code: the path of the bundle, or empty with `code_key`.
        report: the path that the shim writes its report to.
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
