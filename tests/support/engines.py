"""Changes engines without samerun's knowledge, for tests: finds leftovers, kills, and edits by hand."""

from __future__ import annotations

import abc
import contextlib
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import docker
import psutil

from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, WORLD_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine as docker_engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process import guard
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.process.supervisor import Supervisor

# Kills the processes that carry the launch given as argument in their environment: the script, not its parent.
KILL_SCRIPT = """
import os, sys
for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open("/proc/" + name + "/environ", "rb") as environ:
            if ("SAMERUN_LAUNCH=" + sys.argv[1]).encode() in environ.read().split(bytes(1)):
                os.kill(int(name), 9)
    except OSError:
        pass
"""


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait until `condition` is true and return its value; fail an assertion after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds} s")


class Engine(abc.ABC):
    """One engine, used by somebody who does not know of samerun.

    Attributes:
        VOLUMES: kinds of volumes that this engine can mount for a script.
        LIMITS: whether resources can be limited.
        SHARED: whether a second machine, with a separate state folder, sees the same launches.
        KEEPS_LOGS: whether a launch still has its log after SIGKILL.
        EDITS: ways to change the store by hand, each a method `edit_<name>`.
    """

    VOLUMES: ClassVar[tuple[str, ...]]
    LIMITS: ClassVar[bool]
    SHARED: ClassVar[bool]
    KEEPS_LOGS: ClassVar[bool] = True
    EDITS: ClassVar[tuple[str, ...]]

    def __init__(self, world: World) -> None:
        self.world = world

    @abc.abstractmethod
    def leftovers(self, launch: str = "") -> list[str]:
        """Return objects of a launch that still exist; of all launches of the world if `launch` is empty."""

    @abc.abstractmethod
    def alive(self, launch: str) -> list[str]:
        """Return the processes, containers or pods in which something that a launch's script started still runs."""

    @abc.abstractmethod
    def kill_run(self, launch: str) -> None:
        """Kill a launch, its shim included."""

    def kill_shim(self, launch: str) -> None:
        """Kill only the shim of a launch; in a container it is PID 1, so all other processes end too."""
        self.kill_run(launch)

    def pause(self, launch: str) -> None:  # noqa: B027 - a cluster pauses nothing
        """Pause all processes of a launch, if the engine can."""

    @abc.abstractmethod
    def kill_script(self, launch: str) -> None:
        """Kill only the script of a launch; raise a LookupError if there is none."""

    @abc.abstractmethod
    def kill_service(self, name: str, namespace: str) -> None:
        """Kill a service, which its engine must then restart; return once it is dead."""

    @abc.abstractmethod
    def volume(self, kind: str, name: str, folder: Path) -> contextlib.AbstractContextManager[str]:
        """Make a volume of `kind`; yield its name for training_volumes."""


class ProcessEngine(Engine):
    VOLUMES = ("folder", "named")
    LIMITS = False
    SHARED = False
    EDITS = ("configuration", "stopped", "supervisor_killed")

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.world.state / "services")

    def leftovers(self, launch: str = "") -> list[str]:
        folder = str(self.world.runs / launch)
        return [f"process {p.pid}" for p in psutil.process_iter(["cmdline"]) if folder in " ".join(_words(p))]

    def alive(self, launch: str) -> list[str]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("SAMERUN_LAUNCH") == launch and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"process {process.pid}")
        return found

    def kill_run(self, launch: str) -> None:
        for process in self._shims(launch):
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                descendants = process.children(recursive=True)
                process.kill()
                for child in descendants:
                    with contextlib.suppress(psutil.Error):
                        child.kill()

    def kill_shim(self, launch: str) -> None:
        for process in self._shims(launch):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _shims(self, launch: str) -> list[psutil.Process]:
        program = str(self.world.runs / launch / "shim.pyz")
        return [process for process in psutil.process_iter(["cmdline"]) if program in _words(process)]

    def pause(self, launch: str) -> None:
        folder = str(self.world.runs / launch)
        for process in psutil.process_iter(["cmdline"]):
            if any(word == f"{folder}/shim.pyz" for word in _words(process)):
                process.suspend()

    def kill_script(self, launch: str) -> None:
        subprocess.run([sys.executable, "-c", KILL_SCRIPT, launch], check=True)

    def kill_service(self, name: str, namespace: str) -> None:
        """Kill the service and its children, which would run on and keep its ports."""
        old = _marked(str(self.supervisor.folder / name))
        psutil.Process(self.supervisor.rpc.getProcessInfo(name)["pid"]).kill()
        wait_until(lambda: not psutil.wait_procs(old, timeout=0.1)[1], f"all of {name} is gone")

    @contextlib.contextmanager
    def volume(self, kind: str, name: str, folder: Path) -> Iterator[str]:
        yield str(folder) if kind == "folder" else name

    def edit_configuration(self, name: str, namespace: str) -> None:
        path = self.supervisor.program_path(name)
        path.write_text(path.read_text().replace("autorestart = true", "autorestart = false"))

    def edit_stopped(self, name: str, namespace: str) -> None:
        self.supervisor.rpc.stopProcess(name)

    def edit_supervisor_killed(self, name: str, namespace: str) -> None:
        """Kill supervisord; its children run on and keep their ports."""
        os.kill(self.supervisor.rpc.getPID(), signal.SIGKILL)
        wait_until(lambda: not self.supervisor.answers(), "supervisord dies")


class DockerEngine(Engine):
    VOLUMES = ("folder", "named")
    LIMITS = True
    SHARED = True
    EDITS = ("memory", "removed", "stopped", "environment")

    @functools.cached_property
    def client(self) -> Any:
        return docker_engine.connect(self.world.docker_host)

    def leftovers(self, launch: str = "") -> list[str]:
        labels = [f"{WORLD_LABEL}={self.world.name}", f"{LAUNCH_LABEL}={launch}" if launch else LAUNCH_LABEL]
        found = self.client.containers.list(all=True, ignore_removed=True, filters={"label": labels})
        return [f"container {container.name}" for container in found]

    def alive(self, launch: str) -> list[str]:
        return [c.name for c in self.client.containers.list(filters={"label": f"{LAUNCH_LABEL}={launch}"})]

    def kill_run(self, launch: str) -> None:
        for container in self._running(launch):
            with contextlib.suppress(docker.errors.APIError):  # it has ended meanwhile
                container.kill()

    def pause(self, launch: str) -> None:
        for container in self.client.containers.list(filters={"label": f"{LAUNCH_LABEL}={launch}"}):
            container.pause()

    def kill_script(self, launch: str) -> None:
        for container in self._running(launch):
            with contextlib.suppress(docker.errors.APIError):
                container.exec_run(["python", "-c", KILL_SCRIPT, launch])

    def _running(self, launch: str) -> list[Any]:
        wanted = {"label": f"{LAUNCH_LABEL}={launch}"}
        return list(self.client.containers.list(ignore_removed=True, filters=wanted))

    def kill_service(self, name: str, namespace: str) -> None:
        """Kill the process directly, as the kernel would: after `docker kill`, no policy restarts the container."""
        container = self.client.containers.get(name)
        pid = container.attrs["State"]["Pid"]
        self.client.containers.run(
            container.attrs["Image"], ["-c", f"kill -9 {pid}"], entrypoint="/bin/sh", pid_mode="host", user="0",
            remove=True,
        )  # fmt: skip
        wait_until(lambda: self.client.containers.get(name).attrs["State"]["Pid"] != pid, f"{name} dies")

    @contextlib.contextmanager
    def volume(self, kind: str, name: str, folder: Path) -> Iterator[str]:
        if kind == "folder":
            folder.chmod(0o777)  # the image's user differs from the host's
            yield str(folder)
            return
        # A new volume gets owner and mode of the image's folder; all users may write /data of the trainer image.
        volume = self.client.volumes.create(name)
        try:
            yield name
        finally:
            volume.remove(force=True)

    def edit_memory(self, name: str, namespace: str) -> None:
        self.client.containers.get(name).update(mem_limit="1500m", memswap_limit="3g")

    def edit_removed(self, name: str, namespace: str) -> None:
        self.client.containers.get(name).remove(force=True)

    def edit_stopped(self, name: str, namespace: str) -> None:
        self.client.containers.get(name).stop(timeout=5)

    def edit_environment(self, name: str, namespace: str) -> None:
        """Create the same container again with another variable, as a user may do by hand."""
        old = self.client.containers.get(name)
        config = {**old.attrs["Config"], "HostConfig": old.attrs["HostConfig"]}
        config["Env"] = [*config["Env"], "ADDED_BY_HAND=1"]
        old.remove(force=True)
        self.client.api.create_container_from_config(config, name)
        self.client.containers.get(name).start()


class KubernetesEngine(Engine):
    VOLUMES = ("claim",)
    LIMITS = True
    SHARED = True
    KEEPS_LOGS = False
    EDITS = ("scaled", "patched", "service_deleted")

    @functools.cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.world.kubeconfig, self.world.context)

    def leftovers(self, launch: str = "") -> list[str]:
        selector = f"{LAUNCH_LABEL}={launch}" if launch else LAUNCH_LABEL
        kinds = ("Job", "Pod", "ConfigMap", "Secret")
        found = [(k, o) for k in kinds for o in self._find(k, self.world.training_namespace, labelSelector=selector)]
        return [f"{kind} {one['metadata']['name']}" for kind, one in found]

    def alive(self, launch: str) -> list[str]:
        found = self._find("Pod", self.world.training_namespace, labelSelector=f"{LAUNCH_LABEL}={launch}")
        return [pod["metadata"]["name"] for pod in found if pod["status"]["phase"] == "Running"]

    def kill_run(self, launch: str) -> None:
        for pod in self._find("Pod", self.world.training_namespace, labelSelector=f"{LAUNCH_LABEL}={launch}"):
            self._kill(pod)

    def kill_script(self, launch: str) -> None:
        from kubernetes import client
        from kubernetes.stream import stream

        for pod in self._find("Pod", self.world.training_namespace, labelSelector=f"{LAUNCH_LABEL}={launch}"):
            with self.cluster.api.settings() as settings, client.ApiClient(settings) as api:
                call = client.CoreV1Api(api).connect_get_namespaced_pod_exec
                command = ["python", "-c", KILL_SCRIPT, launch]
                name, namespace = pod["metadata"]["name"], self.world.training_namespace
                with contextlib.suppress(client.ApiException):  # it has ended meanwhile
                    session = stream(call, name, namespace, command=command, stdout=True, _preload_content=False)
                    session.run_forever(timeout=20)
                    session.sock.shutdown()  # `close` does not do it once the command has ended

    def kill_service(self, name: str, namespace: str) -> None:
        for pod in self._find("Pod", namespace, labelSelector=f"app.kubernetes.io/name={name}"):
            self._kill(pod)

    @contextlib.contextmanager
    def volume(self, kind: str, name: str, folder: Path) -> Iterator[str]:
        namespace = self.world.training_namespace
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
        metadata = {"name": name, "namespace": namespace}
        self.cluster.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
        try:
            yield name
        finally:
            self.cluster.delete("PersistentVolumeClaim", name, namespace)

    def edit_scaled(self, name: str, namespace: str) -> None:
        self.cluster.merge("Deployment", namespace, name, {"spec": {"replicas": 0}})

    def edit_patched(self, name: str, namespace: str) -> None:
        found = self.cluster.get("Deployment", name, namespace)
        assert found is not None
        containers = found["spec"]["template"]["spec"]["containers"]
        containers[0]["resources"]["limits"] = {"memory": "900Mi"}
        containers[0]["resources"]["requests"] = {"memory": "900Mi"}
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        self.cluster.merge("Deployment", namespace, name, change)

    def edit_service_deleted(self, name: str, namespace: str) -> None:
        self.cluster.delete("Service", name, namespace)

    def _find(self, kind: str, namespace: str, **selectors: str) -> list[dict[str, Any]]:
        return self.cluster.find(kind, namespace, **selectors)

    def _kill(self, pod: Mapping[str, Any]) -> None:
        from kubernetes import client, config

        settings = client.Configuration()
        config.load_kube_config(self.world.kubeconfig, self.cluster.context.name, settings)
        with client.ApiClient(settings) as api:
            metadata = pod["metadata"]
            with contextlib.suppress(client.ApiException):  # it has ended meanwhile
                core = client.CoreV1Api(api)
                core.delete_namespaced_pod(metadata["name"], metadata["namespace"], grace_period_seconds=0)


ENGINES: dict[str, type[Engine]] = {
    "process": ProcessEngine,
    "docker": DockerEngine,
    "kubernetes": KubernetesEngine,
}


def engine_of(world: World) -> Engine:
    return ENGINES[world.target](world)


def _marked(mark: str) -> list[psutil.Process]:
    """Return the processes of the service with the mark `mark`."""
    return [process for process in psutil.process_iter() if guard._carries(process, mark)]


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []
