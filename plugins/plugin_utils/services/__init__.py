# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts of services by target. A new host needs a folder here, a line below and a task file in the role service."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.services.base import ServiceHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.docker.host import DockerHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.kubernetes.host import KubernetesHost
from ansible_collections.samerun.stack.plugins.plugin_utils.services.process.host import ProcessHost

HOSTS: dict[str, type[ServiceHost]] = {host.NAME: host for host in (ProcessHost, DockerHost, KubernetesHost)}


def host_of(world: World) -> ServiceHost:
    """The service host of the world's target."""
    return HOSTS[world.target](world)
