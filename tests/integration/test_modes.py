"""Artifacts through MLflow: the run holds no key, and does not even know where the store is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import difficult
import launches
import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.run import RunState
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, store

BEYOND_A_CONFIG_MAP = 2_000_000
EXPERIMENT = {"EXPERIMENT": "through MLflow"}  # one that nobody made while artifacts went to the store itself


def test_a_run_that_writes_through_mlflow_holds_no_key(
    real: worlds.RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("probe.py", "logs_an_artifact.py"):
        shutil.copy(difficult.DATA / name, tmp_path)
    data = os.urandom(BEYOND_A_CONFIG_MAP)
    (tmp_path / "weights.bin").write_bytes(data)
    # Nothing that asks services of the world's own may ask a proxy for them.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    early = real.play("samerun.stack.check", mlflow_artifact_mode="proxied")
    assert early.code, early.text
    assert "it serves none (503)" in early.text
    switched = real.play("samerun.stack.services", mlflow_artifact_mode="proxied")
    try:
        assert switched.code == 0, switched.text
        assert "experiments that were made in the other one: " in " ".join(switched.text.split())
        assert real.play("samerun.stack.check", mlflow_artifact_mode="proxied").code == 0
        world = dataclasses.replace(real.world, artifact_mode=contract.PROXIED)
        ended = launches.launch(
            world, script=str(tmp_path / "probe.py"),
            env={**EXPERIMENT, "PROBE": json.dumps({"import": ["logs_an_artifact"]})},
            requirements=str(worlds.ROOT / "trainer" / "requirements.txt"),
        )  # fmt: skip
        monkeypatch.delenv("http_proxy")  # one that is not the world's own is asked as the environment says
        if real.target == "process":
            trains_without_a_store(real, tmp_path)
    finally:
        back = real.play("samerun.stack.services")
    assert back.code == 0, back.text
    log = ended.log.decode()
    assert ended.record.state is RunState.FINISHED, log
    assert ended.dump["tree"]["weights.bin"] == f"file {hashlib.sha256(data).hexdigest()}"

    environ = ended.dump["environ"]
    keys = credentials.require(world)
    assert keys.trainer
    secrets = {*keys.values, *keys.trainer.values}
    assert [name for name, value in environ.items() if any(secret in value for secret in secrets)] == []
    stores = [name for name in environ if name.startswith("AWS_") or "S3" in name]
    assert stores == []
    address = world.object_store.url(TARGETS[world.target].VIEWPOINT)
    assert [name for name, value in environ.items() if address in value] == []

    place = log.rpartition("artifacts at mlflow-artifacts:/")[2].strip()
    kept = store.client(world).get_object(Bucket=world.bucket, Key=f"{place}/kept.txt")["Body"].read()
    assert kept == b"written by a run that holds no key"


def trains_without_a_store(real: worlds.RealWorld, folder: Path) -> None:
    """Train in a world that knows no more than the address of an MLflow which takes artifacts."""
    variables = {
        "samerun_world": f"{real.world.name}-storeless", "samerun_state_dir": str(folder / "state"),
        "mlflow_endpoint": real.world.mlflow.url("host"), "mlflow_artifact_mode": "proxied",
        "training_script": str(folder / "logs_an_artifact.py"), "training_env": EXPERIMENT,
        "training_requirements": str(worlds.ROOT / "trainer" / "requirements.txt"),
    }  # fmt: skip
    trained = worlds.RealWorld("process", folder, variables, {}).play("samerun.stack.site")
    assert trained.code == 0, trained.text
    assert "artifacts at mlflow-artifacts:/" in trained.text
    assert {path.name for path in (folder / "state").iterdir()} == {"contract.json", "runs"}
