# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.modules.service_ready import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.services import diagnosis, host_of, readiness
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.service import Service
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes

_POLL = 0.25
_LOG_SECONDS = 2  # between two readings of the service's log, which may be on another machine
_PASSING_SECONDS = 20  # a problem that may pass by itself, such as the lock of a server that is ending, has passed then
# If the engine calls a server ready and this host does not reach it for so long, it never will. The limit is high since
# servers start slowly on a busy machine.
_UNREACHED_SECONDS = 90


class ActionModule(SamerunAction):
    """Wait until a service runs and answers, then keep its state for later comparisons."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        host = host_of(world)
        service = host.service(options["service"])
        endpoint = world.services[service.role]
        started = running_since = time.monotonic()
        read_at = 0.0
        while problem := readiness.problem(host, service):
            seconds = time.monotonic() - started
            if host.running(service.role, service.name, service.namespace) != "running":
                running_since = time.monotonic()
            over = seconds > options["timeout"]
            if over or seconds > read_at + _LOG_SECONDS:
                read_at = seconds
                self._diagnose(host, service, over=over or seconds > probes.patience(_PASSING_SECONDS))
            hopeless = host.hopeless(service)
            if not hopeless and time.monotonic() - running_since > _UNREACHED_SECONDS:
                hopeless = f"it runs, and {problem}. {host.reached_by(endpoint)}"
            if hopeless or over:
                words = hopeless or f"{problem}. Its last words: {host.last_words(service) or 'none'}"
                raise SamerunError(
                    f"Failed to start {service.name}, given up after {seconds:.0f} s: {words}",
                    "Correct what it says, then try again.",
                    UNAVAILABLE,
                )
            time.sleep(_POLL)
        host.remember(service)
        return {"url": endpoint.url("host"), "seconds": round(time.monotonic() - started, 2)}

    @staticmethod
    def _diagnose(host: ServiceHost, service: Service, *, over: bool) -> None:
        """Raise a SamerunError if the service's log says why it does not start.

        Args:
            over: whether to raise for causes too that may pass by themselves.
        """
        log = host.last_words(service, diagnosis.LINES)
        found = diagnosis.of(log, service.diagnoses, host.places(service).data)
        if found and (over or not found.passes):
            raise SamerunError(f"Failed to start {service.name}: {found.cause}.", found.hint, UNAVAILABLE)
