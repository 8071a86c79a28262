# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services as Deployments."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.contract import Contract, name_of
from ansible_collections.samerun.stack.plugins.module_utils.contract import keys as contract_keys
from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.errors import CANNOT_CREATE, CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.run import now
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine, images
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import contract_objects, pods
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.api import FORBIDDEN, ApiError
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes.cluster import Cluster, is_of, namespace
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import (
    ServiceHost,
    ServiceState,
    Teardown,
)
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import forwarding, objects
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes import teardown as kubernetes_teardown
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Claim, Places, Service

_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


class KubernetesHost(ServiceHost):
    """Runs services as Deployments; the cluster alone holds their state, and the world's keys in Secrets."""

    NAME = "kubernetes"
    VIEWPOINT = "pod"

    @functools.cached_property
    def cluster(self) -> Cluster:
        return Cluster(self.world.kubeconfig, self.world.context)

    def check(self) -> None:
        if not self.world.context and not self.cluster.context.looks_local:
            name = self.cluster.context.name
            raise SamerunError(
                f"Failed to choose a cluster: the current context {name} ({self.cluster.server}) does not look local, "
                "and nobody named it.",
                f"If you mean it: samerun_context={name}",
                CONFIG,
            )
        self.cluster.check()

    def reach(self) -> None:
        if self.world.port_forward:
            forwarding.ensure(self.world)

    def claim(self, claims: Sequence[Claim]) -> dict[str, int]:
        for claim in claims:
            if claim.built and not self.world.registry:
                raise SamerunError(
                    f"Failed to plan {claim.name}: its image is built here, and the cluster must be able to pull it.",
                    "Set samerun_registry to a registry that this host can push to and the nodes can pull from, or "
                    f"{claim.role}_image to an image that they have.",
                    CONFIG,
                )
        with self.cluster.explained("check names and ports"):
            for claim in claims:
                self._claim_object(claim, "PersistentVolumeClaim", claim.data, "data")
                self._claim_object(claim, "Service", claim.name, "name")
                self._claim_object(claim, "Deployment", claim.name, "name")
                self._claim_node_ports(claim)
        return {}

    def places(self, service: Service) -> Places:
        return Places(data=service.data_path, secrets=objects.SECRETS)

    def compare(self, service: Service, values: Mapping[str, str] | None) -> ServiceState:
        with self.cluster.explained(f"compare the service {service.name}"):
            new_namespace = not self.cluster.has_namespace(service.namespace)
            wanted = objects.objects(service, self.world)
            found = [self.cluster.get(o["kind"], o["metadata"]["name"], service.namespace) for o in wanted]
            differing = [] if not new_namespace else [namespace(service.namespace, self.world.labels)]
            differs = [f"namespace {service.namespace} is absent"] if new_namespace else []
            for one, current in zip(wanted, found, strict=True):
                if problem := self._difference(one, current, known_namespace=not new_namespace):
                    differs.append(problem)
                    differing.append(one)
            if values is not None and not new_namespace and self._stale(service, values):
                differs.append(f"the keys of {service.name} are not the world's")
        if not differs and self.running(service.role, service.name, service.namespace) != "running":
            differs.append(f"Deployment {service.name} is not ready")
        request: dict[str, Any] = {"objects": differing, "context": self.cluster.context.name}
        if differs and service.built:
            request["image_missing"] = not images.is_pushed(engine.connect(self.world.docker_host), service.image)
        return ServiceState(exists=all(found), differs=differs, request=request)

    def deliver(self, service: Service, values: Mapping[str, str]) -> bool:
        with self.cluster.explained(f"write the keys of {service.name}"):
            self.cluster.ensure_namespace(service.namespace, self.world.labels)
            if not self._stale(service, values):
                return False
            name, place = objects.secret_name(service), service.namespace
            existed = self.cluster.get("Secret", name, place) is not None
            metadata = {"name": name, "namespace": place, "labels": objects.labels(service, self.world)}
            self.cluster.apply(
                {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": _data(service, values)}
            )
            if existed and self.cluster.get("Deployment", service.name, place):
                # Restart it, as `kubectl rollout restart` does, since the running pod has read the old keys.
                stamp = {"metadata": {"annotations": {"samerun.dev/restarted-at": now()}}}
                self.cluster.merge("Deployment", place, service.name, {"spec": {"template": stamp}})
        return True

    def ask(self, service: Service) -> str:
        """Ask nothing: the readiness probe of the pod runs the same command before it counts as running."""
        del service
        return ""

    def running(self, role: str, name: str, namespace: str) -> str:
        with self.cluster.explained(f"read the Deployment {name}"):
            found = self.cluster.get("Deployment", name, namespace)
        if found is None or not is_of(found, self.world.name):
            return "absent"
        status, wanted = found.get("status", {}), found["spec"].get("replicas", 1)
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        ready = current and status.get("updatedReplicas", 0) == status.get("readyReplicas", 0) == wanted
        return "stopped" if wanted == 0 else "running" if ready else "starting"

    def hopeless(self, service: Service) -> str:
        selector = f"app.kubernetes.io/name={service.name}"
        with self.cluster.explained(f"read why {service.name} does not start"):
            reasons = [pods.stuck(pod) for pod in self.cluster.find("Pod", service.namespace, labelSelector=selector)]
        return next((f"{reason['reason']} {reason['hint']}" for reason in reasons if reason), "")

    def reached_by(self, endpoint: Endpoint) -> str:
        return (
            f"This host must reach the nodes' port {endpoint.node_port} ({endpoint.role}_node_port): set "
            "samerun_node_address to the address of a node. Clusters that publish no NodePorts, as kind does unless "
            "told to (extraPortMappings), need that port published."
        )

    def last_words(self, service: Service, lines: int = 5) -> str:
        with self.cluster.explained(f"read why {service.name} does not start"):
            found = self.cluster.find("Pod", service.namespace, labelSelector=f"app.kubernetes.io/name={service.name}")
            if not found:
                return "there is no pod"
            if waiting := pods.waits_for(found[-1]):
                return waiting
            if not pods.has_started(found[-1]):
                return "its pod has not started"
            text = b"".join(self.cluster.log(found[-1]["metadata"]["name"], service.namespace))
            return "\n".join(text.decode(errors="replace").splitlines()[-lines:])

    def teardown(self, *, purge: bool) -> Teardown:
        forwarding.stop(self.world)
        keys = (contract_objects.SECRET, *(_keys_name(endpoint) for endpoint in self.world.services.values()))
        with self.cluster.explained("remove the world's services"):
            return kubernetes_teardown.teardown(self.cluster, self.world, keys, purge=purge)

    def kept(self) -> dict[str, str]:
        """Read the world's secrets: each service has a Secret in its own namespace, which runs do not read."""
        found: dict[str, str] = {}
        with self.cluster.explained("read the world's keys"):
            for endpoint in self._keepers:
                found |= contract_objects.decoded(there) if (there := self._keys_of(endpoint)) else {}
        return found

    def keep(self, values: Mapping[str, str]) -> None:
        with self.cluster.explained("write the world's keys"):
            for endpoint in self._keepers:
                own = {name: values[name] for name in endpoint.secrets if name in values}
                there = self._keys_of(endpoint)
                if not own or (there and contract_objects.decoded(there) == own):
                    continue
                metadata = {"name": _keys_name(endpoint), "namespace": endpoint.namespace, "labels": self.world.labels}
                self.cluster.ensure_namespace(endpoint.namespace, self.world.labels)
                data = contract_objects.encoded(own)
                self.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})

    def credentials(self, kept: Mapping[str, str] | None = None) -> Credentials | None:
        """Read the world's own keys; if it keeps none, read the keys that its runs use."""
        if own := super().credentials(kept):
            return own
        with self.cluster.explained("read the world's keys"):
            found = self._run_keys()
        if found is None or (self._keeps_own and not is_of(found, self.world.name)):
            return None
        return self._pair(found)

    def trainer_found(self) -> Credentials | None:
        with self.cluster.explained("read the keys of runs"):
            found = self._run_keys()
        return self._pair(found) if found is not None and not is_of(found, self.world.name) else None

    @property
    def _keepers(self) -> list[Endpoint]:
        """The services whose secrets the world keeps."""
        return [one for one in self.world.services.values() if one.secrets and not one.external]

    @property
    def _keeps_own(self) -> bool:
        """Whether the world has keys that its runs do not get."""
        return any("access_key" in endpoint.secrets for endpoint in self._keepers)

    def _keys_of(self, endpoint: Endpoint) -> dict[str, Any] | None:
        name, place = _keys_name(endpoint), endpoint.namespace
        try:
            found = self.cluster.get("Secret", name, place)
        except ApiError as error:
            if error.status != FORBIDDEN:
                raise
            return None  # a user who may only train uses the keys of runs
        if found is not None and not is_of(found, self.world.name):
            raise SamerunError(
                f"Failed to use the Secret {place}/{name}: it is not this world's.",
                f"Remove it, or rename ours: {endpoint.role}_name",
                CANNOT_CREATE,
            )
        return found

    def _run_keys(self) -> dict[str, Any] | None:
        return self.cluster.get("Secret", contract_objects.SECRET, self.world.training_namespace)

    def _pair(self, found: Mapping[str, Any]) -> Credentials:
        values, names = contract_objects.decoded(found), contract_keys(secret=True)
        try:
            return Credentials(values[names[name_of("access_key")]], values[names[name_of("secret_key")]])
        except KeyError as error:
            raise SamerunError(
                f"Failed to read the Secret {contract_objects.SECRET} of {self.world.training_namespace}: "
                f"it has no key {error}.",
                f"Its keys are {', '.join(names.values())}.",
                CONFIG,
            ) from error

    def keep_credentials(self, keys: Credentials) -> None:
        if self._keeps_own:
            super().keep_credentials(keys)
            return
        contract = Contract(
            plain={}, secret={name_of("access_key"): keys.access_key, name_of("secret_key"): keys.secret_key}
        )
        with self.cluster.explained("write the world's keys"):
            contract_objects.ensure_secret(self.cluster, self.world, contract)

    def publish(self, keys: Credentials | None, *, change: bool) -> bool:
        contract = self.world.contract("pod", keys)
        with self.cluster.explained("write the contract"):
            return contract_objects.ensure(self.cluster, self.world, contract, change=change)

    def _claim_object(self, claim: Claim, kind: str, name: str, variable: str) -> None:
        found = self.cluster.get(kind, name, claim.namespace)
        if found is None or is_of(found, self.world.name):
            return
        raise SamerunError(
            f"Failed to claim the {kind} {claim.namespace}/{name}: there is one of another owner.",
            f"Remove it, or rename ours: {claim.role}_{variable}, or use another {claim.role}_namespace",
            CANNOT_CREATE,
        )

    def _claim_node_ports(self, service: Claim) -> None:
        wanted = {port.node_port: port for port in service.ports if port.node_port}
        for found in self._services() if wanted else ():
            metadata = found["metadata"]
            if (metadata["namespace"], metadata["name"]) == (service.namespace, service.name):
                continue
            for taken in {p.get("nodePort") for p in found["spec"].get("ports") or []} & wanted.keys():
                raise SamerunError(
                    f"Failed to claim NodePort {taken}: the Service {metadata['namespace']}/{metadata['name']} has it.",
                    f"Move ours: {service.role}_node_port={taken + 1}",
                    CANNOT_CREATE,
                )

    def _services(self) -> list[dict[str, Any]]:
        """List the Services of all namespaces; none without permission: the API server refuses a taken port anyway."""
        try:
            return self.cluster.find("Service")
        except ApiError:
            return []

    def _difference(
        self, wanted: Mapping[str, Any], current: Mapping[str, Any] | None, *, known_namespace: bool
    ) -> str:
        called = f"{wanted['kind']} {wanted['metadata']['namespace']}/{wanted['metadata']['name']}"
        if current is None:
            return f"{called} is absent"
        if known_namespace and _content(self.cluster.apply(wanted, dry_run=True)) != _content(current):
            return f"{called} is not what is wanted"
        return ""

    def _stale(self, service: Service, values: Mapping[str, str]) -> bool:
        found = self.cluster.get("Secret", objects.secret_name(service), service.namespace)
        return found is None or found.get("data") != _data(service, values)


def _keys_name(endpoint: Endpoint) -> str:
    return f"{endpoint.name}-keys"


def _data(service: Service, values: Mapping[str, str]) -> dict[str, str]:
    return contract_objects.encoded({name: data.decode() for name, data in service.rendered_secrets(values).items()})


def _content(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object without its status and what the API server maintains in its metadata."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in _BOOKKEEPING}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}
