# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Probes a service from this host."""

from __future__ import annotations

import contextlib
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service

_SECONDS = 5
_HELD_SECONDS = 0.5  # how long a connection must last: a port-forward accepts it first, and may close it then
_UNPROXIED = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to the world's own services


def problem(host: ServiceHost, service: Service) -> str:
    """Say, within 5 s, why the service cannot be used yet; empty once it runs and answers."""
    state = host.running(service.role, service.name, service.namespace)
    if state != "running":
        return f"it is {state}"
    if not (service.health.http or service.health.tcp):
        return host.ask(service)
    url = _url(host, service)
    if not url:
        return ""  # this host does not reach the port; the engine's own check has passed
    return _problem_of_http(f"{url}{service.health.http}") if service.health.http else _problem_of_tcp(url)


def _url(host: ServiceHost, service: Service) -> str:
    """The URL at which this host reaches the port to probe; empty if it does not reach it."""
    world, named = host.world, service.health.asked_port
    endpoint = world.services[service.role]
    if named in ("", service.ports[0].name):
        return endpoint.page(endpoint.port, endpoint.node_port)
    asked = next(port for port in service.ports if port.name == named)
    return "" if world.port_forward else endpoint.page(asked.port, asked.node_port)


def _problem_of_http(url: str) -> str:
    try:
        with _UNPROXIED.open(url, timeout=_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        # Some stores answer an anonymous caller with 403 once they are up.
        return "" if error.code == 403 else f"{url} answers {error.code}"
    except OSError as error:
        return f"nothing answers at {url} ({getattr(error, 'reason', error)})"


def _problem_of_tcp(url: str) -> str:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_SECONDS) as connection:
            connection.settimeout(_HELD_SECONDS)
            with contextlib.suppress(TimeoutError):  # it keeps the connection open and waits for a request
                return "" if connection.recv(1) else f"{url} closes every connection"
            return ""
    except OSError as error:
        return f"nothing answers at {url} ({error})"
