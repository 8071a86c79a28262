# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a launch as a container, which is kept until the launch is settled, so that log and code are not lost."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    Outcome,
    RunRecord,
    RunSpec,
    parse_time,
)
from ansible_collections.samerun.stack.plugins.module_utils.training import EnvironmentRequest
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, RECORD_LABEL, WORLD_LABEL
from ansible_collections.samerun.stack.plugins.plugin_utils.code import code_images, shim_archive
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import ends, engine, networks
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import files as docker_files
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images as engine_images
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import log as docker_log
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import keeping
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import (
    Left,
    Target,
    mask,
    outcome_from,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker.container import (
    CANCELLED_NOTE,
    INSTRUCTIONS,
    LOG,
    REPORT,
    container_name,
    described,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.instructions import MOUNT
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.taking_back import taken_back
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.unsupported import cluster_options, refuse

_START_SECONDS = 60
_LET_TRAVEL = "Leave it out: the code then travels with the launch."
_LIVE = ("created", "running", "paused", "restarting")


class DockerTarget(Target):
    """Copies all that a launch needs into its own container; only the user's volumes and project are mounted."""

    NAME = "docker"
    VIEWPOINT = "container"

    @functools.cached_property
    def client(self) -> Any:
        return engine.connect(self.world.docker_host)

    def _connect(self, seconds: float) -> Any:
        return engine.connect(self.world.docker_host, timeout=seconds)

    def viewpoint(self, network: str) -> str:
        return "host" if network == "host" else self.VIEWPOINT

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()

    @property
    def patience(self) -> float:
        return engine.patience(self.world.docker_host)

    def check(self) -> None:
        _ = self.client

    def environment(self, request: EnvironmentRequest) -> Environment:
        python = request.python or images.INTERPRETER
        if request.image:
            return Environment(python=python, image=request.image, key=request.image)
        image = images.name(request.requirements, request.base_image, self.world.registry)
        return Environment(python=python, image=image, key=image.rpartition(":")[2])

    def prepare(self, request: EnvironmentRequest, environment: Environment) -> Environment:
        if request.image:
            digest = self._pulled(request.image)
        else:
            digest = images.ensure(
                self.client, environment.image, request.requirements, request.base_image, self.world.registry, self.say
            )
        return Environment(environment.python, environment.image, digest, environment.key)

    def plan(self, spec: RunSpec) -> dict[str, Any]:
        refuse(cluster_options(spec), "a Docker engine schedules nothing", "Unset it, or train on kubernetes.")
        self._refuse_folders(spec)
        planned = code_images.planned(spec, self.world.registry)
        return described(self.world, planned, mask(spec.secrets), self.viewpoint(spec.training.network))

    def submit(self, spec: RunSpec, code: Bundle) -> None:
        asked = spec.training
        with engine.explained(f"start the container {container_name(spec.launch)}"):
            spec = code_images.made(self.client, spec, code, self.world.registry, self.say)
            self.verify(spec)
            self._ensure_network(asked.network)
            request = described(self.world, spec, spec.secrets, self.viewpoint(asked.network))
            files = {
                f"samerun/{shim_archive.NAME}": shim_archive.data(),
                "samerun/spec.json": request["instructions"].encode(),
            }
            if asked.delivery != code_images.DELIVERY:
                files["samerun/bundle.tar.gz"] = code.data
            config = {**request["config"], "Env": [f"{k}={v}" for k, v in request["config"]["Env"].items()]}
            # A mounted working folder is the user's own, so its mode is not changed.
            writable = ("samerun/out",) if asked.delivery == MOUNT else ("samerun/work", "samerun/out")
            with taken_back(self, spec.launch), engine.explained(f"start the container {request['name']}"):
                self.client.api.create_container_from_config(config, request["name"])
                container = self.client.containers.get(request["name"])
                container.put_archive("/", engine.archive(files, writable=writable))
                container.start()

    def follow(self, launch: str) -> Iterator[bytes]:
        yield from docker_log.follow(self._connect, container_name(launch), self.patience, self.say)

    def log(self, launch: str) -> Iterator[bytes]:
        with engine.explained(f"read the log of the container {container_name(launch)}"):
            yield from docker_log.read(self.client, container_name(launch))

    def outcome(self, launch: str) -> Outcome | None:
        container = self._container(launch)
        if container is None:
            return outcome_from({}, exit_code=None, gone=True, **ends.REMOVED.facts)
        state = container.attrs["State"]
        if state["Status"] in ("running", "paused", "restarting", "removing"):
            return None
        if state["Status"] == "created":
            return self._never_started(container)
        with engine.explained(f"read how {container.name} ended"):
            report = json.loads(engine.read_file(container, REPORT) or b"{}")
            code = report.get("exit_code")
            if report:
                cancelled = engine.read_file(container, CANCELLED_NOTE) is not None
                if report := ends.corrected(container, report, cancelled=cancelled):
                    return outcome_from(report, **_times(state))
                end = ends.lost(container)
            else:
                noted = engine.read_file(container, CANCELLED_NOTE)
                end = ends.cancelled(int(noted)) if noted else ends.end_of(container)
            counted = engine.read_file(container, f"{REPORT}.attempts") or b""
        return outcome_from({}, exit_code=code, attempts=len(counted.split()), **end.facts, **_times(state))

    def log_copy(self, launch: str) -> Iterator[bytes] | None:
        """Yield the shim's copy: engines may convert a log to text, or cut off a long line."""
        container = self._container(launch)
        return self._copied(container) if container else None

    @staticmethod
    def _copied(container: Any) -> Iterator[bytes]:
        import docker

        with (
            engine.explained(f"copy the log of {container.name}"),
            contextlib.suppress(docker.errors.NotFound),
        ):
            yield from docker_files.pieces(container, LOG)

    def left(self, launch: str, folder: Path) -> Left:
        if (container := self._container(launch)) is None:
            return Left()
        with engine.explained(f"copy what {container.name} left"):
            spec = json.loads(engine.read_file(container, INSTRUCTIONS) or b"{}")
            code = str(folder / "code") if spec.get("keep_code") else ""
            if code:
                files.write_private_stream(Path(code), docker_files.pieces(container, spec["bundle"]))
            found, work = spec.get("outputs", []), folder / "work"
            if found:
                names = functools.partial(_names, found)
                docker_files.copied(container, spec["work"], work, names)
            return Left(code, tuple(keeping.files(str(work), found)))

    def launches(self) -> list[RunRecord]:
        labels = [f"{WORLD_LABEL}={self.world.name}", LAUNCH_LABEL]
        with engine.explained("list the launches"):
            found = self.client.containers.list(all=True, sparse=True, filters={"label": labels})
        return [RunRecord.from_dict(json.loads(container.attrs["Labels"][RECORD_LABEL])) for container in found]

    def cancel(self, launch: str, number: int) -> None:
        import docker

        with engine.explained(f"signal the container {container_name(launch)}"):
            if (container := self._container(launch)) is None or container.status not in _LIVE:
                return
            if container.status == "paused":
                container.unpause()  # a paused container would receive the signal only when it goes on
            # The note is for a shim that has no handlers yet. It also tells our signal from the one that an engine
            # sends when it is shut down.
            container.put_archive("/", engine.archive({CANCELLED_NOTE.lstrip("/"): str(int(number)).encode()}))
            try:
                container.kill(signal=number)
            except docker.errors.APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:  # the container does not run: not yet, or not any more
                    raise

    def restart(self, launch: str) -> bool:
        container = self._container(launch)
        if container is None or container.status != "exited":
            return False
        with engine.explained(f"start the container {container.name} again"):
            # The report of the last attempt must not be taken for the new one's.
            container.put_archive("/", engine.archive({REPORT.lstrip("/"): b"{}"}))
            container.start()
        return True

    def remove(self, launch: str) -> None:
        if container := self._container(launch):
            with engine.explained(f"remove the container {container.name}"):
                container.remove(force=True, v=True)

    def teardown(self) -> list[str]:
        """Remove the world's network, which a launch may have made (`_ensure_network`), unless a container uses it."""
        import docker

        removed = []
        with engine.explained("remove the world's network"):
            for network in self.client.networks.list(filters={"label": self.world.selectors}):
                # A stopped container counts: it could not start again without its network.
                if self.client.containers.list(all=True, filters={"network": network.name}):
                    continue
                with contextlib.suppress(docker.errors.NotFound):  # removed by another command meanwhile
                    network.remove()
                    removed.append(f"network {network.name}")
        return removed

    def _container(self, launch: str) -> Any:
        with engine.explained(f"find the container {container_name(launch)}"):
            return engine.found(self.client.containers, container_name(launch))

    def _refuse_folders(self, spec: RunSpec) -> None:
        """Raise for folders of this host if the engine runs on another machine, which does not have them."""
        asked = spec.training
        folders = [volume.source for volume in asked.volumes if not volume.named]
        if (folders or asked.delivery == MOUNT) and engine.is_remote(self.world.docker_host):
            why = f"the engine at {engine.host(self.world.docker_host)} has no folder of this host"
            refuse({"training_delivery (mount)": asked.delivery == MOUNT}, why, _LET_TRAVEL)
            named = "Name a volume of that engine instead: NAME:PATH"
            refuse({f"training_volumes ({', '.join(folders)})": folders}, why, named)

    def verify(self, spec: RunSpec) -> None:
        wanted = spec.training.network
        if wanted in ("", self.world.network, *networks.BUILT_IN) or wanted.startswith("container:"):
            return
        with engine.explained(f"find the network {wanted}"):
            names = sorted(network.name for network in self.client.networks.list())
        if wanted not in names:
            raise SamerunError(
                f"Failed to find the network {wanted} of training_network: the Docker engine has none of that name.",
                f"It has {', '.join(names)}.",
                CONFIG,
            )

    def _ensure_network(self, name: str) -> None:
        """Make the world's own network if it is missing: external services do not make it."""
        own = self.world.network
        if name in ("", own):
            networks.ensure(self.client, own, self.world.labels)

    def _pulled(self, image: str) -> str:
        import docker

        try:
            found = self.client.images.get(image)
        except docker.errors.ImageNotFound:
            self.say(f"Pulling {image}")
            found = engine_images.pull(self.client, image)
        return engine_images.digest(found)

    def _never_started(self, container: Any) -> Outcome | None:
        """The outcome of a container that was created but not started: its command died.

        None in the first minute, in which the command may still be about to start it.
        """
        age = datetime.now(UTC) - parse_time(container.attrs["Created"])
        if age.total_seconds() < _START_SECONDS:
            return None
        return outcome_from({}, exit_code=None, **ends.NEVER_STARTED.facts)


def _names(patterns: list[str], folder: Path) -> list[str]:
    return [name for name, _path in keeping.files(str(folder), patterns)]


def _times(state: Mapping[str, Any]) -> dict[str, str]:
    return {"started_at": state["StartedAt"], "ended_at": state["FinishedAt"]}
