# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a service answers, as this host reaches it."""

from __future__ import annotations

import urllib.error
import urllib.request

from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service

_SECONDS = 5
_UNPROXIED = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # they are the world's own


def problem(host: ServiceHost, service: Service) -> str:
    """Why the service cannot be used yet, within 5 s; empty once it runs and answers."""
    state = host.running(service.role, service.name, service.namespace)
    if state != "running":
        return f"it is {state}"
    url = f"{host.world.services[service.role].url('host')}{service.health}"
    try:
        with _UNPROXIED.open(url, timeout=_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        # Some stores answer an anonymous caller with 403 once they are up.
        return "" if error.code == 403 else f"{url} answers {error.code}"
    except OSError as error:
        return f"nothing answers at {url} ({getattr(error, 'reason', error)})"
