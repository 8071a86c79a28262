"""Real worlds for tests: set up once with the users' playbooks, used in this process, removed with all their data.

Integration and end-to-end tests share this file; their conftest files make fixtures from it. Names, ports and
namespaces belong to the tests only, so the worlds of users on the same engines do not change.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import callers
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World

ROOT = Path(__file__).resolve().parents[2]
SHOW_WORLD = Path(__file__).parent / "show_world.yml"
KUBECONFIG = os.environ.get("SAMERUN_TEST_KUBECONFIG", "")
REGISTRY = os.environ.get("SAMERUN_TEST_REGISTRY", "")
MINIO_IMAGE = os.environ.get("SAMERUN_TEST_MINIO_IMAGE", "")

# Commands that add a node to the tests' cluster, and that cut its power; without them, no test loses a node.
_NODE = {name: shlex.split(os.environ.get(f"SAMERUN_TEST_{name.upper()}_NODE", "")) for name in ("add", "stop")}
NODE_COMMANDS = _NODE if all(_NODE.values()) else {}

# Several sessions may share a machine, and each has several workers: each worker uses its own number from 0 to 9, which
# decides names and ports.
SLOT = int(os.environ.get("SAMERUN_TEST_SLOT", "0"))
SLOT += int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_CONF = f"conf{SLOT or ''}"


def _port(first: int) -> int:
    return first + 100 * SLOT


# Small limits, so that a small machine can run all of this.
_SMALL = {"memory": "1Gi"}  # no cpu limit: with it, a start would take a minute
_IMAGE = {"object_store_image": MINIO_IMAGE} if MINIO_IMAGE else {}

# target -> its inventory. The names and ports of these worlds are all here, as a machine could already use them.
INVENTORIES = {"process": "process", "docker": "local", "kubernetes": "k8s"}
VARIABLES: dict[str, dict[str, Any]] = {
    "process": {"samerun_world": f"{_CONF}-process", "mlflow_port": _port(5401), "object_store_port": _port(9402)},
    "docker": {
        "samerun_world": f"{_CONF}-docker",
        "samerun_network": f"samerun-{_CONF}",
        "mlflow_name": f"mlflow-{_CONF}",
        "mlflow_port": _port(5410),
        "object_store_name": f"minio-{_CONF}",
        "object_store_port": _port(9420),  # the process world's store takes ten ports from 9402 on
        "object_store_console_port": _port(9421),
        **_IMAGE,
    },
    "kubernetes": {
        "samerun_world": f"{_CONF}-k8s",
        "samerun_kubeconfig": KUBECONFIG,
        "samerun_registry": REGISTRY,
        "mlflow_namespace": f"{_CONF}-monitoring",
        "mlflow_port": _port(5430),
        "mlflow_node_port": 30510 + 10 * SLOT,
        "mlflow_resources": _SMALL,
        "object_store_namespace": f"{_CONF}-storage",
        "object_store_port": _port(9440),
        "object_store_node_port": 30910 + 10 * SLOT,
        "object_store_resources": _SMALL,
        "training_namespace": f"{_CONF}-training",
        **_IMAGE,
    },
}
_SECONDS = 900


@dataclass(frozen=True)
class Played:
    """The result of a playbook."""

    code: int
    text: str

    @property
    def changed(self) -> int:
        """The number of changed tasks, of all hosts."""
        return sum(int(number) for number in re.findall(r"\bchanged=(\d+)", self.text))


@dataclass(frozen=True)
class RealWorld:
    """A world that is up.

    Attributes:
        target: the target of its services.
        folder: the folder of its inventory variables and its state; it has no other files on this host.
        variables: the inventory variables that differ from the packaged inventory.
        options: the option `world` of every module.
    """

    target: str
    folder: Path
    variables: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)

    @property
    def world(self) -> World:
        """Return the world that plugins make from the options, with its current kept values."""
        return World.from_options(self.options)

    def play(self, playbook: str, *arguments: str, **variables: Any) -> Played:
        """Run a playbook of the collection on this world."""
        return _play(self.folder, self.target, [playbook], {**self.variables, **variables}, arguments)


def missing(target: str) -> str:
    """Name what a test of `target` needs and is missing, and how to get it; empty if nothing is missing."""
    if target == "process":
        return ""
    return no_engine(target) or ("" if MINIO_IMAGE or _pullable() else _NO_IMAGE)


def no_engine(target: str) -> str:
    """Say why the engine of `target` does not answer, and how to get one; empty if it answers.

    A cluster needs Docker too, which builds its images.
    """
    if target == "kubernetes":
        return _no_cluster() or _no_docker()
    return _no_docker() if target == "docker" else ""


def set_up(target: str, folder: Path, **variables: Any) -> RealWorld:
    """Set a world up with the users' playbook.

    Its keys are set by variables, so a test knows them, and a test with wrong keys does not replace them.

    Args:
        folder: an empty folder for this world only.
    """
    keys = {"object_store_access_key": f"conf{secrets.token_hex(6)}", "object_store_secret_key": secrets.token_hex(20)}
    shown = folder / "world.json"
    given = {**VARIABLES[target], "samerun_state_dir": str(folder / "state"), **keys, **variables}
    played = _play(folder, target, ["samerun.stack.services", str(SHOW_WORLD)], {**given, "shown_world": str(shown)})
    if played.code:
        removed = _play(folder, target, ["samerun.stack.teardown"], {**given, "samerun_purge": True})
        raise RuntimeError(f"The world of {target} did not come up:\n{played.text}\n{removed.text}")
    return RealWorld(target, folder, given, json.loads(shown.read_text()))


def tear_down(real: RealWorld) -> None:
    """Remove the world with all its data; fail if a launch is still running."""
    played = real.play("samerun.stack.teardown", samerun_purge=True)
    if played.code:
        raise RuntimeError(f"The world of {real.target} was not removed:\n{played.text}")


def _play(
    folder: Path, target: str, playbooks: list[str], variables: Mapping[str, Any], arguments: tuple[str, ...] = ()
) -> Played:
    values = folder / "variables.json"
    values.touch(mode=0o600)
    values.write_text(json.dumps(variables))
    inventory = ROOT / "inventories" / INVENTORIES[target]
    argv = [sys.executable, "-m", "ansible", "playbook", *playbooks, "-i", str(inventory), "-e", f"@{values}"]
    # The environment of a user without colours and without own settings of Ansible.
    environ = {**callers.inherited(os.environ), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    ended = subprocess.run(
        [*argv, *arguments], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    return Played(ended.returncode, ended.stdout)


_KUBERNETES = {"SAMERUN_TEST_KUBECONFIG": KUBECONFIG, "SAMERUN_TEST_REGISTRY": REGISTRY}
_NO_IMAGE = "needs an image of MinIO: set SAMERUN_TEST_MINIO_IMAGE to one that the engines can pull"


@functools.cache
def _no_docker() -> str:
    from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine as docker

    try:
        docker.connect(timeout=10).close()
    except SamerunError as error:
        return f"needs a Docker engine: {error}"
    return ""


@functools.cache
def _no_cluster() -> str:
    if unset := [name for name, value in _KUBERNETES.items() if not value]:
        return f"needs a cluster and a registry that it pulls from: set {' and '.join(unset)}"
    from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster

    try:
        with contextlib.closing(Cluster(KUBECONFIG, "")) as cluster:
            cluster.check()
    except SamerunError as error:
        return f"needs a cluster: {error}"
    return ""


@functools.cache
def _pullable() -> bool:
    import docker
    import yaml

    from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine

    store = yaml.safe_load((ROOT / "roles/object_store/vars/main/minio.yml").read_text())["__object_store_minio"]
    client = engine.connect()
    try:
        client.images.get_registry_data(store["image"])
    except docker.errors.DockerException:
        return False
    finally:
        client.close()
    return True
