# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The training targets by name. A new target needs a folder here and a line below."""

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Target
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.docker.target import DockerTarget
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes.target import KubernetesTarget
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.process.target import ProcessTarget

TARGETS: dict[str, type[Target]] = {target.NAME: target for target in (ProcessTarget, DockerTarget, KubernetesTarget)}
