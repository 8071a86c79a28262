# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A launch as a plain Job. It is kept until it is collected; its own time to live is only a backstop of days."""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    Outcome,
    RunRecord,
    RunSpec,
    RunState,
    parse_time,
)
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils import contract_objects, images, shim_archive, store
from ansible_collections.samerun.stack.plugins.plugin_utils.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import docker, pods
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import Cluster
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes_api import NOT_FOUND, ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import kubernetes_job, kubernetes_pod
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import (
    EnvironmentRequest,
    Target,
    mask,
    outcome_from,
    shim_spec,
)

CONFIG_MAP_BYTES = 700 * 1024  # of 1 MiB that a ConfigMap takes, base64 and the shim included
_BUNDLE = "bundle.tar.gz"
_POLL = 0.1
_START_SECONDS = 60


class KubernetesTarget(Target):
    """The launch's ConfigMap and Secret belong to its Job and go with it."""

    NAME = "kubernetes"
    VIEWPOINT = "pod"

    @functools.cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.world.kubeconfig, self.world.context)

    def check(self) -> None:
        self.cluster.check()

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
        client = docker.connect()
        digest = images.ensure(
            client, environment.image, request.requirements, request.base_image, self.world.registry, self.say
        )
        return Environment(environment.python, environment.image, digest, environment.key)

    def plan(self, spec: RunSpec) -> dict[str, Any]:
        return self._request(spec, mask(spec.secret_env), code_key="")

    def submit(self, spec: RunSpec, code: Bundle) -> None:
        with self.cluster.explained(f"start the Job {self._name(spec.launch)}"):
            contract_objects.ensure(self.cluster, self.world, spec.contract)
            in_store = len(code.data) > CONFIG_MAP_BYTES
            code_key = store.put_code(self.world, code) if in_store else ""
            request = self._request(spec, spec.secret_env, code_key=code_key)
            # Suspended first: what the pod mounts can then name the Job as its owner, and nothing is left if we die.
            job = self.cluster.create(request["job"])
            try:
                owner = kubernetes_job.owner(job)
                files = {shim_archive.NAME: shim_archive.data(), **({} if in_store else {_BUNDLE: code.data})}
                binary = {name: base64.b64encode(data).decode() for name, data in files.items()}
                self.cluster.create({**request["config_map"], **owner(request["config_map"]), "binaryData": binary})
                if secret := request.get("secret"):
                    self.cluster.create({**secret, **owner(secret)})
                if not kubernetes_job.queued(job):  # Kueue starts what it admits itself
                    self.cluster.merge("Job", self._namespace, self._name(spec.launch), {"spec": {"suspend": False}})
            except BaseException:
                self.remove(spec.launch)
                raise

    def follow(self, launch: str) -> Iterator[bytes]:
        with self.cluster.explained(f"follow the Job {self._name(launch)}"):
            pod = self._started_pod(launch)
            shown, over = 0, False
            while pod is not None:
                skip = shown  # a cut connection is taken up again where it ended
                # Once it is over the whole is read again: what is written while a follower arrives can be missed.
                for found in self._log(launch, pod["metadata"]["name"], follow=not over):
                    fresh = found[skip:]
                    skip = max(0, skip - len(found))
                    shown += len(fresh)
                    if fresh:
                        yield fresh
                if over:
                    return
                over = self.outcome(launch) is not None
                if not over:
                    time.sleep(_POLL)

    def _log(self, launch: str, pod: str, *, follow: bool) -> Iterator[bytes]:
        """The pod's log; where pod and log are gone, nothing, once the Job knows it too."""
        try:
            yield from self.cluster.log(pod, self._namespace, follow=follow)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            while self.outcome(launch) is None:
                time.sleep(_POLL)

    def log(self, launch: str) -> Iterator[bytes]:
        pod = self._pod(launch)
        if pod and pods.has_started(pod):
            with self.cluster.explained(f"read the log of the pod {pod['metadata']['name']}"):
                yield from self.cluster.log(pod["metadata"]["name"], self._namespace, follow=False)

    def outcome(self, launch: str) -> Outcome | None:
        with self.cluster.explained(f"look at the Job {self._name(launch)}"):
            return self._outcome(launch)

    def _outcome(self, launch: str) -> Outcome | None:
        job = self.cluster.get("Job", self._name(launch), self._namespace)
        if job is None:
            return outcome_from(
                {}, exit_code=None, state=RunState.KILLED, reason="The Job was removed before its end was seen.",
                hint="Start it again: samerun train", gone=True,
            )  # fmt: skip
        pod = self._pod(launch)
        ended = pods.ended(pod) if pod else None
        if ended is not None:
            return outcome_from(**ended)
        stuck = pods.stuck(pod) if pod else self._unborn(job)
        return outcome_from({}, exit_code=None, **stuck) if stuck else None

    def launches(self) -> list[RunRecord]:
        with self.cluster.explained("list the launches"):
            selector = f"{WORLD_LABEL}={self.world.name},{LAUNCH_LABEL}"
            jobs = self.cluster.find("Job", self._namespace, labelSelector=selector)
        return [RunRecord.from_dict(json.loads(job["metadata"]["annotations"][RECORD_LABEL])) for job in jobs]

    def cancel(self, launch: str, number: int) -> None:
        pod = self._pod(launch)
        if pod and pods.is_running(pod):
            python = pod["spec"]["containers"][0]["command"][0]
            with self.cluster.explained(f"signal the pod {pod['metadata']['name']}"):
                self.cluster.signal(pod["metadata"]["name"], self._namespace, python, number)
        elif pod:
            self.remove(launch)

    def remove(self, launch: str) -> None:
        with self.cluster.explained(f"remove the Job {self._name(launch)}"):
            self.cluster.delete("Job", self._name(launch), self._namespace)

    @property
    def _namespace(self) -> str:
        return self.world.training_namespace

    @staticmethod
    def _name(launch: str) -> str:
        return f"training-job-{launch}"

    def _request(self, spec: RunSpec, secret_env: Mapping[str, str], *, code_key: str) -> dict[str, Any]:
        instructions = shim_spec(
            spec, self.VIEWPOINT, work=kubernetes_pod.WORK, report=kubernetes_pod.REPORT, code_key=code_key,
            code="" if code_key else f"{kubernetes_pod.CODE}/{_BUNDLE}", log=kubernetes_pod.LOG,
        )  # fmt: skip
        return kubernetes_job.objects(
            self._name(spec.launch), spec, self.world,
            files={"spec.json": instructions}, secret_env=secret_env,
        )  # fmt: skip

    def _pod(self, launch: str) -> dict[str, Any] | None:
        found = self.cluster.find("Pod", self._namespace, labelSelector=f"{LAUNCH_LABEL}={launch}")
        return found[0] if found else None

    def _started_pod(self, launch: str) -> dict[str, Any] | None:
        """The pod once it has a log, or None if the launch ended without one; says what it waits for."""
        said = ""
        while True:
            pod = self._pod(launch)
            if pod and pods.has_started(pod):
                return pod
            if self.outcome(launch) is not None:
                return None
            if pod and (waiting := pods.waits_for(pod)) and waiting != said:
                self.say(f"The pod waits: {waiting}")
                said = waiting
            time.sleep(_POLL)

    def _unborn(self, job: Mapping[str, Any]) -> dict[str, Any] | None:
        """Why a Job has no pod, if it will not get one."""
        if job["spec"].get("suspend"):
            age = (datetime.now(UTC) - parse_time(job["metadata"]["creationTimestamp"])).total_seconds()
            return {"reason": "The Job was created and never started."} if age > _START_SECONDS else None
        if gone := pods.without_pod(job):
            return gone
        selector = f"involvedObject.name={job['metadata']['name']}"
        return pods.refused(self.cluster.find("Event", self._namespace, fieldSelector=selector))
