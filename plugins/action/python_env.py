# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from platformdirs import user_cache_path

from ansible_collections.samerun.stack.plugins.modules.python_env import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import venvs
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction


class ActionModule(SamerunAction):
    """Make the virtual environment for a list of requirements, if it is missing."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        requirements = venvs.listed(options["requirements"])
        cache = user_cache_path("samerun")
        venv = venvs.folder(cache, requirements)
        if self.checking:
            return {"changed": not venvs.is_made(venv), "path": str(venv)}
        path, made = venvs.ensure(cache, requirements, self.progress)
        return {"changed": made, "path": str(path)}
