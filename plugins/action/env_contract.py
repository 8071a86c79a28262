# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.modules.env_contract import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils import credentials, probes, server, store
from ansible_collections.samerun.stack.plugins.plugin_utils.action import SamerunAction


class ActionModule(SamerunAction):
    """Resolve the contract for a viewpoint and look at its endpoints from here."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        resolved = world.contract(options["viewpoint"], credentials.load(world))
        if options["probe"]:
            s3 = world.object_store.url("host")
            try:
                server.probe(world)
                probes.probe_tcp(world.object_store.service, probes.S3_ENDPOINT, s3, "host")
                probes.probe_s3(store.client(world), world.bucket, s3, "host")
            except probes.ProbeError as error:
                raise SamerunError(error.message, error.hint, UNAVAILABLE) from error
        return {
            "names": resolved.names,
            "plain": dict(resolved.plain),
            "sha256": resolved.sha256,
            "viewpoint": options["viewpoint"],
        }
