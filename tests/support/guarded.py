"""Worlds that must never come up: what is wrong with them is refused first."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import machines
import psutil
import pytest
import stacks
import yaml
from plays import ROOT, Play, play
from typed import Place
from watches import Watch

from ansible_collections.samerun.stack.plugins.module_utils import errors

OWN_NAMESPACES = {"guarded-monitoring", "guarded-storage", "guarded-training"}
# No name or port of these worlds is anybody else's.
VARIABLES: dict[str, dict[str, Any]] = {
    "process": {},
    "docker": {
        "mlflow_name": "mlflow-guarded", "mlflow_port": 5931, "samerun_network": "samerun-guarded",
        "object_store_name": "minio-guarded", "object_store_port": 5932, "object_store_console_port": 5933,
    },
    "kubernetes": {
        "mlflow_namespace": "guarded-monitoring", "mlflow_node_port": 30931, "mlflow_name": "mlflow",
        "mlflow_data": "mlflow-pvc", "object_store_namespace": "guarded-storage", "object_store_node_port": 30932,
        "training_namespace": "guarded-training",
    },
}  # fmt: skip
SPECS: dict[str, dict[str, Any]] = {
    "Deployment": {
        "replicas": 0, "selector": {"matchLabels": {"a": "b"}},
        "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "none.invalid/a"}]},
        },
    },
    "Service": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 5000}]},
    "PersistentVolumeClaim": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}  # fmt: skip

ANSIBLES_OWN = 2  # how ansible-playbook ends when a task failed
DEADLINE = 10.0  # seconds
# The exit code of `samerun` by the start of its line; the first match counts.
CODES = {
    r"Failed to find a world:": errors.NO_INPUT,
    r"Failed to read the script .*(no such file|is a folder|no ordinary file|not there|denied)": errors.NO_INPUT,
    r"Failed to read the (variable|S3 keys)": errors.CONFIG,
    r"Failed to (plan|choose|resolve) ": errors.CONFIG,
    r"Failed to (read|check) ": errors.DATA,
    r"Failed to claim ": errors.CANNOT_CREATE,
    r"Failed to talk to .* does not accept our credentials": errors.NO_PERMISSION,
    r"Failed to find a cluster: there is no kubeconfig": errors.UNAVAILABLE,
    r"Failed to find a cluster: .* has no such context": errors.CONFIG,
    r"Failed to talk to ": errors.UNAVAILABLE,
}


def code_of(line: str) -> int:
    return next(code for start, code in CODES.items() if re.match(start, line))


def any_image() -> str:
    """Return the name of any image that the engine has."""
    return str(next(tag for image in machines.docker_client().images.list() for tag in image.tags))


@dataclass
class Guarded:
    """A world that is refused.

    Attributes:
        folder: the folder of the test; the world's state would be in it.
        engine: whether the test needs an engine.
        prefix: the start of each command line, which runs the commands.
    """

    target: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    engine: bool = True
    inventory: str = ""
    prefix: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        own = stacks.variables(self.target) if self.engine else {}
        self.inventory = self.inventory or str(ROOT / "inventories" / stacks.INVENTORIES[self.target])
        self.variables = {"samerun_world": "guarded", **VARIABLES[self.target], **own}
        self.before = self._there()

    @property
    def docker(self) -> Any:
        return machines.docker_client()

    @property
    def cluster(self) -> machines.Cluster:
        return machines.cluster()

    def play(self, *arguments: str, **variables: Any) -> Play:
        environment = {"XDG_STATE_HOME": str(self.folder / "state"), **self.environment}
        return play(
            "site", *arguments, inventory=self.inventory, variables={**self.variables, **variables},
            environment=environment, prefix=self.prefix,
        )  # fmt: skip

    def refuses(self, start: str, *words: str, arguments: tuple[str, ...] = (), **variables: Any) -> Play:
        """Check that the play soon ends with one line that begins with `start` and has `words`, and leaves nothing."""
        self.before = self._there()
        watch = Watch()
        done = self.play(*arguments, **variables)
        in_time = watch.within(DEADLINE)
        assert done.code == ANSIBLES_OWN, done.output
        assert len(done.errors) == 1, done.output
        line = done.errors[0]
        assert line.startswith(start), line
        assert done.exit_codes == {code_of(line)}, line
        assert in_time, f"{done.seconds:.1f} s"
        assert [word for word in words if word not in line] == [], line
        assert "Traceback" not in done.output or "-vvvv" in arguments, done.output
        assert done.changed <= 0, done.changes
        self.nothing_is_left()
        return done

    def refuses_the_command(self, start: str, *words: str, typed: Sequence[str] = ("train",), **variables: Any) -> str:
        """Check that the command `samerun` ends in the same way as in `refuses`; return its output."""
        self.before = self._there()
        given = self.folder / "typed.json"
        given.write_text(json.dumps({**self.variables, **variables}))
        there = Place(
            self.folder, self.folder / "state", ("-i", self.inventory, "-e", f"@{given}"), self.environment,
            self.prefix,
        )  # fmt: skip
        watch = Watch()
        ended = there.run(*typed)
        assert watch.within(DEADLINE), f"{watch.seconds:.1f} s"
        (line,) = [line for line in ended.err.splitlines() if line.startswith("samerun: Failed to ")]
        line = line.removeprefix("samerun: ")
        assert line.startswith(start), line
        assert ended.code == code_of(line), line
        assert [word for word in words if word not in line] == [], line
        assert "Traceback" not in ended.err
        assert ended.out == b""
        self.nothing_is_left()
        return ended.err

    def nothing_is_left(self) -> None:
        """Check that there is neither state nor any new object on the engine."""
        assert not (self.folder / "state").exists()
        assert self._there() - self.before == set()

    def _there(self) -> set[str]:
        """Return the objects on the engine that belong to this world, or could be taken for its own."""
        if self.target == "docker" and self.engine:
            return {name for name in stacks.snapshot("docker") if "guarded" in name}
        if self.target == "kubernetes":
            namespaces = {item["metadata"]["name"] for item in self.cluster.items("/api/v1/namespaces")}
            # What a cluster makes by itself in a new namespace comes late.
            objects = self.cluster.everything(OWN_NAMESPACES & namespaces)
            late = ("/events/", "kube-root-ca", "/serviceaccounts/")
            return {name for name in objects if not any(part in name for part in late)} | (OWN_NAMESPACES & namespaces)
        words = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
        return {line for line in words if str(self.folder) in line}

    def changed_kubeconfig(
        self, *, missing: bool = False, context: str = "", server: str = "", ca: bool = False, token: str = ""
    ) -> dict[str, str]:
        """Return variables that use a kubeconfig with one error."""
        config = yaml.safe_load(Path(stacks.variables("kubernetes")["samerun_kubeconfig"]).read_text())
        cluster = config["clusters"][0]["cluster"]
        if server:
            cluster["server"] = server
        if ca:
            cluster["certificate-authority-data"] = self._other_authority()
        if token:
            config["users"][0]["user"] = {"token": token}
        path = self.folder / "kubeconfig"
        if not missing:
            path.write_text(json.dumps(config))
        return {"samerun_kubeconfig": str(path), **({"samerun_context": context} if context else {})}

    def _other_authority(self) -> str:
        if not shutil.which("openssl"):
            pytest.skip("needs openssl: install the package openssl")
        key, certificate = self.folder / "key.pem", self.folder / "ca.pem"
        subject = ["-subj", "/CN=somebody-else", "-days", "1", "-keyout", str(key), "-out", str(certificate)]
        argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
        subprocess.run(argv, check=True, capture_output=True)
        return base64.b64encode(certificate.read_bytes()).decode()

    def foreign_namespace(self) -> str:
        """Create a namespace of somebody else where MLflow would go; return its name."""
        name = str(self.variables["mlflow_namespace"])
        self.cluster.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def create(self, place: str, kind: str, name: str, *, node_port: int = 0) -> None:
        """Create an object without samerun's label."""
        spec: Mapping[str, Any] = SPECS[kind]
        if node_port:
            spec = {**spec, "ports": [{**spec["ports"][0], "nodePort": node_port}]}
        version = "apps/v1" if kind == "Deployment" else "v1"
        made = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.cluster.call("POST", place, made)

    def remove_namespaces(self) -> None:
        for name in OWN_NAMESPACES:
            self.cluster.call("DELETE", f"/api/v1/namespaces/{name}")
        stacks.until(
            lambda: not any(self.cluster.get(f"/api/v1/namespaces/{name}") for name in OWN_NAMESPACES),
            "the end of the namespaces",
        )
