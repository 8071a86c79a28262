# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a launch as a Job, which is kept until the launch is settled, or at most for three days after its end."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    CONFIG,
    SamerunError,
)
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    Outcome,
    RunRecord,
    RunSpec,
)
from ansible_collections.samerun.stack.plugins.module_utils.training import EnvironmentRequest
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, WORLD_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.code import code_images, shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import away
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import contract_objects, jobs, pods
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import ApiError, GoneError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.pod_log import PodLog
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.names import CANCELLED
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Say, Target, mask
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.instructions import MOUNT, shim_spec
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import checks
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job as kubernetes_job
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import pod as kubernetes_pod
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.follow import Follower
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.view import JobView, Pod
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.taking_back import taken_back
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.unsupported import refuse
from ansible_collections.samerun.stack.plugins.plugin_utils.world import store

CONFIG_MAP_BYTES = 700 * 1024  # a ConfigMap holds 1 MiB, which base64 and the shim need too
_BUNDLE = "bundle.tar.gz"
_TRIES, _AGAIN_SECONDS = 5, 0.5  # how often, and how soon again, a signal to a running pod is tried
_NOTE = str(PurePosixPath(kubernetes_pod.LOG).with_name(CANCELLED))


class KubernetesTarget(Target):
    """Runs launches as Jobs; a Job owns the ConfigMap and Secret of its launch, so they are removed with it."""

    NAME = "kubernetes"
    VIEWPOINT = "pod"

    def __init__(self, world: World, say: Say = lambda _line: None) -> None:
        super().__init__(world, say)
        self._ended: dict[str, Outcome] = {}

    @functools.cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.world.kubeconfig, self.world.context)

    def close(self) -> None:
        if "cluster" in self.__dict__:
            self.cluster.close()

    @property
    def patience(self) -> float:
        return away.ELSEWHERE

    def check(self) -> None:
        self.cluster.check()
        checks.permitted(self.cluster, self.world)

    def environment(self, request: EnvironmentRequest) -> Environment:
        python = request.python or images.INTERPRETER
        if request.image:
            return Environment(python=python, image=request.image, key=request.image)
        if not self.world.registry:
            raise SamerunError(
                "Failed to plan the run: the cluster needs an image that has what the script imports.",
                "Set samerun_registry to a registry that this host can push to and the nodes can pull from, or "
                "training_image to an image that they have.",
                CONFIG,
            )
        image = images.name(request.requirements, request.base_image, self.world.registry)
        return Environment(python=python, image=image, key=image.rpartition(":")[2])

    def prepare(self, request: EnvironmentRequest, environment: Environment) -> Environment:
        if request.image:
            return environment
        client = engine.connect(self.world.docker_host)
        digest = images.ensure(
            client, environment.image, request.requirements, request.base_image, self.world.registry, self.say
        )
        return Environment(environment.python, environment.image, digest, environment.key)

    def plan(self, spec: RunSpec) -> dict[str, Any]:
        asked = spec.training
        named = asked.network if asked.network != "host" else ""
        refuse(
            {"training_network": named}, "a pod has the cluster's network", "Unset it, say host, or train on docker."
        )
        nodes = "the nodes have no folder of this host"
        refuse(
            {"training_delivery (mount)": asked.delivery == MOUNT}, nodes, "Leave it out, or name a claim as a volume."
        )
        if asked.delivery == code_images.DELIVERY and not self.world.registry:
            refuse({"training_delivery (image)": True}, "the nodes must pull that image", "Set samerun_registry.")
        spec = code_images.planned(spec, self.world.registry)
        return self._request(spec, mask(asked.secret_env), code_key="")

    def submit(self, spec: RunSpec, code: Bundle) -> None:
        with self.cluster.explained(f"start the Job {self._name(spec.launch)}"):
            contract_objects.ensure(self.cluster, self.world, spec.contract)
            in_image = spec.training.delivery == code_images.DELIVERY
            if in_image:
                spec = code_images.made(
                    engine.connect(self.world.docker_host), spec, code, self.world.registry, self.say
                )
            in_store = not in_image and len(code.data) > CONFIG_MAP_BYTES
            code_key = store.put_code(self.world, code) if in_store else ""
            request = self._request(spec, spec.training.secret_env, code_key=code_key, submitted=time.time())
            checks.fits(self.cluster, request)
            # The Job is created suspended, then what its pod mounts, with the Job as owner: if we die in between,
            # all is removed with the Job.
            with taken_back(self, spec.launch), self.cluster.explained(f"start the Job {self._name(spec.launch)}"):
                self._create(request, code, travels=not (in_store or in_image))

    def _create(self, request: Mapping[str, Any], code: Bundle, *, travels: bool) -> None:
        job = self.cluster.create(request["job"])
        owner = kubernetes_job.owner(job)
        files = {shim_archive.NAME: shim_archive.data(), **({_BUNDLE: code.data} if travels else {})}
        binary = {name: base64.b64encode(data).decode() for name, data in files.items()}
        self.cluster.create({**request["config_map"], **owner(request["config_map"]), "binaryData": binary})
        if secret := request.get("secret"):
            self.cluster.create({**secret, **owner(secret)})
        if not kubernetes_job.queued(job):  # Kueue itself starts the Jobs that it admits
            self.cluster.merge("Job", self._namespace, job["metadata"]["name"], {"spec": {"suspend": False}})

    def follow(self, launch: str) -> Iterator[bytes]:
        with self.cluster.explained(f"follow the Job {self._name(launch)}"):
            follower = Follower(JobView(self.cluster, self._namespace, launch), self.say, self.patience)
            yield from follower
            if follower.ended is not None:
                self._ended[launch] = follower.ended

    def log(self, launch: str) -> Iterator[bytes]:
        with self.cluster.explained(f"read the log of the Job {self._name(launch)}"):
            view = JobView(self.cluster, self._namespace, launch)
            view.read()
            for pod in filter(pods.has_started, view.pods):
                with contextlib.suppress(GoneError):
                    yield from PodLog(
                        self.cluster, pod["metadata"]["name"], self._namespace, kubernetes_pod.CONTAINER
                    ).read(follow=False)

    def outcome(self, launch: str) -> Outcome | None:
        if launch in self._ended:  # the follower saw pods that may be gone now
            return self._ended[launch]
        with self.cluster.explained(f"read the Job {self._name(launch)}"):
            view = JobView(self.cluster, self._namespace, launch)
            view.read()
            return view.outcome()

    def launches(self) -> list[RunRecord]:
        with self.cluster.explained("list the launches"):
            selector = f"{WORLD_LABEL}={self.world.name},{LAUNCH_LABEL}"
            jobs = self.cluster.find("Job", self._namespace, labelSelector=selector)
        return [RunRecord.from_dict(json.loads(job["metadata"]["annotations"][RECORD_LABEL])) for job in jobs]

    def cancel(self, launch: str, number: int) -> None:
        """Send a signal to the running pod; if there is none that can be reached, suspend the Job."""
        with self.cluster.explained(f"signal the Job {self._name(launch)}"):
            view = JobView(self.cluster, self._namespace, launch)
            view.read()
            running = self._reachable(view)
            note = jobs.cancel_note(number, started=any(map(pods.has_started, view.pods)))
            change: dict[str, Any] = {
                "metadata": {"annotations": {jobs.CANCELLED: note}},
                "spec": {"backoffLimit": 0},
            }  # fmt: skip
            if running is None:
                change["spec"]["suspend"] = True
            with contextlib.suppress(GoneError):
                self.cluster.merge("Job", self._namespace, self._name(launch), change)
            if running is None:  # a pod may have started meanwhile: it must get the signal too
                view.read()
                running = self._reachable(view)
            if running is None:
                return
            self._signal(view, running, number)

    def _signal(self, view: JobView, pod: Pod, number: int) -> None:
        python = pod["spec"]["containers"][0]["command"][0]
        for left in reversed(range(_TRIES)):
            try:
                return self.cluster.signal(pod["metadata"]["name"], self._namespace, python, number, _NOTE)
            except ApiError:  # the signal was not sent
                view.read()
                if not view.is_there(pod) or not pods.is_running(view.current(pod)):
                    return None  # the pod has ended meanwhile
                if not left:
                    raise
                time.sleep(_AGAIN_SECONDS)  # the node may not find a container yet that it has just started
        return None

    @staticmethod
    def _reachable(view: JobView) -> Pod | None:
        return next((pod for pod in view.pods if pods.is_running(pod) and not view.lost(pod)), None)

    def remove(self, launch: str) -> None:
        with self.cluster.explained(f"remove the Job {self._name(launch)}"):
            self.cluster.delete("Job", self._name(launch), self._namespace)
            view = JobView(self.cluster, self._namespace, launch)
            for pod in self._pods(launch):
                if pods.ended(pod) is None and view.lost(pod):
                    self.cluster.release(pod)  # its node is lost, and cannot confirm that the pod ended
        self._ended.pop(launch, None)

    @property
    def _namespace(self) -> str:
        return self.world.training_namespace

    @staticmethod
    def _name(launch: str) -> str:
        return f"{kubernetes_job.NAMES}{launch}"

    def _request(
        self, spec: RunSpec, secret_env: Mapping[str, str], *, code_key: str, submitted: float = 0
    ) -> dict[str, Any]:
        asked = spec.training
        code = code_images.BUNDLE if asked.delivery == code_images.DELIVERY else f"{kubernetes_pod.CODE}/{_BUNDLE}"
        instructions = shim_spec(
            spec, self.VIEWPOINT, work=kubernetes_pod.WORK, report=kubernetes_pod.REPORT, code_key=code_key,
            code="" if code_key else code, log=kubernetes_pod.LOG, submitted=submitted if asked.retries else 0,
        )  # fmt: skip
        return kubernetes_job.objects(
            self._name(spec.launch), spec, self.world,
            files={"spec.json": instructions}, secret_env=secret_env,
        )  # fmt: skip

    def _pods(self, launch: str) -> list[dict[str, Any]]:
        return self.cluster.find("Pod", self._namespace, labelSelector=f"{LAUNCH_LABEL}={launch}")
