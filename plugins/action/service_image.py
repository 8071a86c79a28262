# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.samerun.stack.plugins.modules.service_image import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import engine
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.docker import images as engine_images
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images, installer
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction


class ActionModule(SamerunAction):
    """Build the image of a service if it is missing, and push it if there is a registry."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        if self.checking:
            return {"skipped": True, "msg": "service_state has predicted it"}
        image = options["service"]["image"]
        client = engine.connect(world.docker_host)
        made = not engine_images.is_local(client, image)
        if made:
            context = images.installing(Path(options["dockerfile"]), {})
            arguments = {**options["args"], **images.index_arguments()}
            engine_images.build(client, image, context, arguments, self.progress, installer.TOLD)
        if world.registry:
            engine_images.push(client, image, self.progress)
        return {"changed": made or bool(world.registry)}
