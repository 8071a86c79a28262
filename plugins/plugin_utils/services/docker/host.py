# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services as containers."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import LOOPBACK
from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import parse_time
from ansible_collections.samerun.stack.plugins.module_utils.world import is_of
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import quantities
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, images
from ansible_collections.samerun.stack.plugins.plugin_utils.services import health
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost, ServiceState, Teardown
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker import claims as docker_claims
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Places, Service

_SECRETS = "/run/samerun"
_IN_USE = (403, 409)  # HTTP statuses: an engine refuses to remove a network or a volume that is in use


class DockerHost(ServiceHost):
    """Runs services as containers.

    Secret files are copied into the container, so that neither `docker inspect` nor a folder of the host shows them.
    """

    NAME = "docker"
    VIEWPOINT = "container"

    @functools.cached_property
    def client(self) -> Any:
        return engine.connect(self.world.docker_host)

    def check(self) -> None:
        """Raise if the engine does not answer, or if this host could not reach the ports that it would publish."""
        if self.world.own and self._is_remote and self.world.bind in LOOPBACK:
            address = engine.host(self.world.docker_host)
            raise SamerunError(
                f"Failed to plan the services: samerun_bind is {self.world.bind}, and with the engine at {address} "
                "nobody on this host could reach them there.",
                "Set samerun_bind to an address of that machine that this one reaches.",
                CONFIG,
            )
        _ = self.client

    @functools.cached_property
    def _is_remote(self) -> bool:
        return engine.is_remote(self.world.docker_host)

    def claim(self, claims: Sequence[Claim]) -> dict[str, int]:
        docker_claims.claim(self.client, self.world, claims)
        return {}

    def places(self, service: Service) -> Places:
        return Places(data=service.data_path, secrets=_SECRETS)

    def compare(self, service: Service, values: Mapping[str, str] | None) -> ServiceState:
        container = self._container(service.name)
        state = ServiceState(exists=container is not None, request=self._request(service))
        if container is None:
            state.differs.append(f"container {service.name} is absent")
            return state
        if container.status != "running":
            state.differs.append(f"container {service.name} is {container.status}")
        kept = files.read_json(self._memory(service.name))
        if kept.get("wanted") != service.sha256:
            state.differs.append(f"container {service.name} is not what is wanted now")
        elif kept.get("seen") != _appearance(container):
            state.differs.append(f"container {service.name} was changed by hand")
            state.recreate = True
        if values is not None and self._stale(container, service, values):
            state.differs.append(f"the keys in container {service.name} are not the world's")
        return state

    def fetch(self, service: Service) -> None:
        if self._request(service)["image_missing"]:
            images.pull(self.client, service.image)

    def deliver(self, service: Service, values: Mapping[str, str]) -> bool:
        container = self._container(service.name)
        stale = self._stale(container, service, values)
        if stale:
            content = {f"samerun/{name}": data for name, data in service.rendered_secrets(values).items()}
            with engine.explained(f"copy the keys into the container {service.name}"):
                owner = _user(container)
                container.put_archive("/run", engine.archive(content, mode=0o400, uid=owner, folder="samerun"))
        return stale

    def remember(self, service: Service) -> None:
        container = self._container(service.name)
        files.write_json(self._memory(service.name), {"wanted": service.sha256, "seen": _appearance(container)})

    def ask(self, service: Service) -> str:
        with engine.explained(f"ask {service.name} whether it is ready"):
            done = self._container(service.name).exec_run(list(service.health.command))
        return health.said(done.exit_code, done.output)

    def running(self, role: str, name: str, namespace: str) -> str:
        container = self._container(name)
        if container is None or not is_of(container.labels, self.world.name):
            return "absent"
        # The health check of a new container has not run yet. Callers that wait for the service probe it themselves.
        health = container.attrs["State"].get("Health", {}).get("Status")
        if container.status == "running":
            return "starting" if health == "unhealthy" else "running"
        return "stopped"

    def last_words(self, service: Service, lines: int = 5) -> str:
        container = self._container(service.name)
        if not container or not container.attrs["State"]["StartedAt"].startswith("2"):
            return ""
        since = parse_time(container.attrs["State"]["StartedAt"]).timestamp()
        text: str = container.logs(tail=lines, since=since).decode(errors="replace").strip()
        return text

    def teardown(self, *, purge: bool) -> Teardown:
        done = Teardown()
        ours = {"label": self.world.selectors}
        with engine.explained("remove the world's containers"):
            for container in self.client.containers.list(all=True, filters=ours):
                container.remove(force=True, v=True)
                done.removed.append(f"container {container.name}")
            there = [
                *self.client.networks.list(filters=ours),
                *(self.client.volumes.list(filters=ours) if purge else ()),
            ]
            for one in there:
                self._remove_unused(one, done)
        return done

    def _remove_unused(self, there: Any, done: Teardown) -> None:
        """Remove a network or volume, unless a container of another owner uses it."""
        import docker

        kind = type(there).__name__.lower()
        try:
            there.remove()
            done.removed.append(f"{kind} {there.name}")
        except docker.errors.APIError as error:
            users = [one.name for one in self.client.containers.list(all=True, filters={kind: there.name})]
            if error.status_code not in _IN_USE or not users:
                raise
            done.kept.append(f"{kind} {there.name}, which the container {users[0]} of somebody else uses")

    def _request(self, service: Service) -> dict[str, Any]:
        """What the role's tasks need beyond the service's own variables."""
        import docker

        try:
            self.client.images.get(service.image)
            missing = False
        except docker.errors.ImageNotFound:
            missing = True
        return {
            "command": list(service.command),
            "cpus": quantities.cpu_nanos(service.resources["cpu"]) / 10**9 if "cpu" in service.resources else 0,
            "engine": engine.base_url(self.world.docker_host),
            "env": dict(service.env),
            "healthcheck": {**_check(service), "interval": "10s", "timeout": "5s", "retries": 3},
            "image_missing": missing,
            "labels": self.world.labels,
            "memory": str(quantities.memory_bytes(service.resources["memory"]))
            if "memory" in service.resources
            else "0",
            "ports": [f"{self.world.bind}:{port.port}:{port.port}" for port in service.ports],
        }

    def _container(self, name: str) -> Any:
        return engine.found(self.client.containers, name)

    def _stale(self, container: Any, service: Service, values: Mapping[str, str]) -> bool:
        wanted = service.rendered_secrets(values)
        return any(engine.read_file(container, f"{_SECRETS}/{name}") != data for name, data in wanted.items())

    def _memory(self, name: str) -> Any:
        return self.world.state / "services" / f"{name}.json"


def _appearance(container: Any) -> str:
    """The hash of a container's configuration as the engine shows it, without what changes by itself."""
    attrs = container.attrs
    networks = {
        name: sorted(network.get("Aliases") or []) for name, network in attrs["NetworkSettings"]["Networks"].items()
    }
    parts = {"config": attrs["Config"], "host": attrs["HostConfig"], "image": attrs["Image"], "networks": networks}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _check(service: Service) -> dict[str, Any]:
    """The container's health check. Without a command it is switched off: the image's own check may not fit our use."""
    return {"test": ["CMD", *service.health.command] if service.health.command else ["NONE"]}


def _user(container: Any) -> int:
    """The user id that the container runs as; a user given by name is taken for that of our images, 10001."""
    user = container.attrs["Config"]["User"].partition(":")[0]
    return int(user) if user.isdigit() else (10001 if user else 0)
