# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves a service's endpoint to its address from a viewpoint.

A viewpoint is the place where an address is used: `host` (this machine), `container` (the world's Docker network) or
`pod` (the cluster). The table `ADDRESSES` has the addresses of a world's services from each viewpoint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, DATA, SamerunError

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - compared with, not bound to

# the world's target -> viewpoint -> the address of its services.
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
        service: its name inside a sentence of a message: "MLflow" or "the S3 store".
        role: the prefix of its settings, such as `mlflow`.
        target: the target of its world.
        external: the URL if samerun does not set it up, valid from every viewpoint; else empty.
        example: an example of such a URL.
        used: whether its world uses the service.
        secrets: the names of the secrets that the world keeps for it.
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
        """Make the endpoint of a service from its declaration in a data file.

        Args:
            port: its current port, as it may have moved.
            forwarded: whether this host reaches it through a port-forward, at the same port.
            shared: the fields that are the same for all services of a world.
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
        """Whether the world sets the service up itself."""
        return self.used and not self.external

    @property
    def title(self) -> str:
        """Return the service's name without an article, for use outside a sentence."""
        return self.service.removeprefix("the ")

    def url(self, viewpoint: str) -> str:
        """Return the URL from a viewpoint, without a slash at its end.

        Raises:
            SamerunError: the service cannot be reached from the viewpoint, with the reason.
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
        """Return the URL of another port of the service from this host; empty if this host cannot reach it."""
        template = ADDRESSES[self.target]["host"]
        if "{node_port}" in template and not node_port:
            return ""
        return template.format(**{**self.__dict__, "port": port, "node_port": node_port})

    def hosts(self) -> list[str]:
        """Return every Host header that a client may send, inside or outside; some servers accept only known ones."""
        found = {urlsplit(self.url(viewpoint)).netloc for viewpoint in ADDRESSES[self.target]}
        if self.namespace:  # through a port-forward, of samerun or of kubectl
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
    """Return the port by which clients use a service; a service that samerun does not set up has none."""
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
    """Return `value` if it is an http(s) URL without a password.

    Raises:
        SamerunError: it is not, with a corrected example; a password in the value is never printed.
    """
    try:
        parts = urlsplit(value)
        told = bool(parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0))
    except ValueError:  # for example a port that is not a number, or an incomplete IPv6 address
        parts, told = urlsplit(""), False
    whole = told and not re.search(r"\s", value)
    if "@" in (parts.netloc if whole else value):  # check this first, so that no other message shows a password
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
