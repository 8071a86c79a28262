# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One logical endpoint, resolved for whoever calls it.

A viewpoint is from where an address is used: `host` (this machine), `container` (the world's Docker network) or
`pod` (the cluster). What a world's services look like from a viewpoint is data, in `ADDRESSES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, DATA, SamerunError

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - compared with, not bound to

# world's target -> viewpoint -> where its services are.
ADDRESSES = {
    "process": {"host": "{scheme}://{host}:{port}"},
    "docker": {"host": "{scheme}://{host}:{port}", "container": "{scheme}://{name}:{port}"},
    "kubernetes": {
        "host": "{scheme}://{node_address}:{node_port}",
        "pod": "{scheme}://{name}.{namespace}.svc.cluster.local:{port}",
    },
}


@dataclass(frozen=True)
class Endpoint:
    """A service of a world.

    Attributes:
        service: what it is, for people in a sentence: "MLflow" or "the S3 store".
        role: the prefix of the variables that set it, such as `mlflow`.
        target: where its world runs.
        external: its URL if it is not ours, the same from everywhere; else empty.
        example: what such a URL looks like.
        used: whether its world uses it at all.
        secrets: the names of those that the world keeps for it.
    """

    service: str
    role: str
    target: str
    name: str
    port: int
    host: str = "localhost"
    namespace: str = ""
    node_port: int = 0
    node_address: str = "localhost"
    external: str = ""
    example: str = ""
    scheme: str = "http"
    used: bool = True
    secrets: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, given: Mapping[str, Any], port: int, *, forwarded: bool, **shared: str) -> Endpoint:
        """Make the endpoint of a service as its data file declares it.

        Args:
            port: the one that it has by now.
            forwarded: whether this host reaches it by a port-forward, on its own port.
            shared: what is the same for all services of a world.
        """
        first = first_port(given)
        return cls(
            service=given["title"], role=given["role"], name=given["name"], namespace=given["namespace"], port=port,
            node_port=int(first["port"]) if forwarded else int(first.get("node_port") or 0),
            external=given["endpoint"], example=given["example"], scheme=given["scheme"], used=given["used"],
            secrets=tuple(given["secrets"]), **shared,
        )  # fmt: skip

    @property
    def ours(self) -> bool:
        """Whether the world sets it up itself."""
        return self.used and not self.external

    @property
    def title(self) -> str:
        """What it is called where it stands alone."""
        return self.service.removeprefix("the ")

    def url(self, viewpoint: str) -> str:
        """The URL, without a slash at its end.

        Raises:
            SamerunError: the service cannot be reached from there, with the reason.
        """
        if self.external:
            return _external(self, viewpoint)
        template = ADDRESSES[self.target].get(viewpoint)
        if template is None:
            raise SamerunError(
                f"Failed to resolve {self.service} for a {viewpoint}: the services of a {self.target} world are "
                f"not reachable from there yet.",
                f"Train where the services run (training_target: {self.target}), as a process on this host where "
                f"the host reaches them, or name a service that a {viewpoint} reaches by {self.role}_endpoint.",
                CONFIG,
            )
        return template.format(**self.__dict__)

    def page(self, port: int, node_port: int) -> str:
        """The URL of another port of the service, as this host reaches it; empty where it does not."""
        template = ADDRESSES[self.target]["host"]
        if "{node_port}" in template and not node_port:
            return ""
        return template.format(**{**self.__dict__, "port": port, "node_port": node_port})

    def hosts(self) -> list[str]:
        """Every Host header that a caller inside or outside may send, for a server that accepts only known ones."""
        found = {urlsplit(self.url(viewpoint)).netloc for viewpoint in ADDRESSES[self.target]}
        if self.namespace:  # by a port-forward, ours or kubectl's
            found.add(f"localhost:{self.port}")
        for netloc in list(found):
            host, _, port = netloc.rpartition(":")
            if host == "localhost":
                found.add(f"127.0.0.1:{port}")
            if host.endswith(".svc.cluster.local"):
                shorter = host.removesuffix(".cluster.local")
                found |= {f"{shorter}:{port}", f"{shorter.removesuffix('.svc')}:{port}", f"{self.name}:{port}"}
        return sorted(found)


def first_port(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The port of a service by which others use it; what is not ours has none."""
    return next(iter(given["ports"]), {"port": 0, "variable": f"{given['role']}_port"})


def _external(endpoint: Endpoint, viewpoint: str) -> str:
    parts = urlsplit(endpoint.external)
    if viewpoint != "host" and parts.hostname in LOOPBACK:
        raise SamerunError(
            f"Failed to resolve {endpoint.service} for a {viewpoint}: {endpoint.role}_endpoint says "
            f"{parts.hostname}, and inside a {viewpoint} that is the {viewpoint} itself.",
            f"Give {endpoint.role}_endpoint a name or an address that a {viewpoint} reaches.",
            CONFIG,
        )
    return endpoint.external.rstrip("/")


def checked(variable: str, value: str, example: str) -> str:
    """`value` if it is an http(s) URL that may be shown.

    Raises:
        SamerunError: with a corrected example; a password in the value is never printed.
    """
    try:
        parts = urlsplit(value)
        told = bool(parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0))
    except ValueError:  # a port that is no number, half an IPv6 address
        parts, told = urlsplit(""), False
    whole = told and not re.search(r"\s", value)
    if "@" in (parts.netloc if whole else value):  # also where something else is wrong with it
        scheme = "https" if value.startswith("https:") else "http"
        raise SamerunError(
            f"Failed to read {variable}: it carries a user or password, which would end up in logs.",
            f"Write {variable}: {scheme}://{value.rpartition('@')[2]}",
            DATA,
        )
    if not whole:
        shown = f"http://{value}" if "://" not in value and value else example
        raise SamerunError(
            f"Failed to read {variable}: {value!r} is not an http or https URL.", f"Write for example {shown}", DATA
        )
    if parts.query or parts.fragment:
        raise SamerunError(
            f"Failed to read {variable}: {value!r} is the address of a page.",
            f"Write for example {parts.scheme}://{parts.netloc}",
            DATA,
        )
    return value
