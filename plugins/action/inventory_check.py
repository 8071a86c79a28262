# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from ansible import context
from ansible.inventory.manager import InventoryManager

from ansible_collections.samerun.stack.plugins.module_utils.errors import NO_INPUT, SamerunError
from ansible_collections.samerun.stack.plugins.modules.inventory_check import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction

INVENTORIES = Path(__file__).parents[2] / "inventories"


class ActionModule(SamerunAction):
    """Check that the inventory names a world; Ansible itself would end with success if it does not."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        hosts = task_vars.get("groups", {}).get("samerun", [])
        if not hosts:
            given = [str(source) for source in context.CLIARGS.get("inventory") or []]
            raise SamerunError(
                f"Failed to find a world: {' and '.join(given) or 'no inventory'} names no host in the group samerun.",
                _hint(given),
                NO_INPUT,
            )
        if subset := context.CLIARGS.get("subset"):
            self._check_limit(str(subset), hosts)
        return {"worlds": list(hosts)}

    def _check_limit(self, subset: str, hosts: list[str]) -> None:
        manager = InventoryManager(loader=self._loader, sources=list(context.CLIARGS["inventory"]))
        manager.subset(subset)
        if not manager.get_hosts("samerun"):
            raise SamerunError(
                f"Failed to find a world: --limit {subset} leaves none of {', '.join(hosts)}.",
                f"Limit the play to {hosts[0]}, or leave --limit away.",
                NO_INPUT,
            )


def _hint(given: list[str]) -> str:
    known = {path.name: path for path in INVENTORIES.iterdir() if path.is_dir()}
    for source in (path for path in given if "," not in path):
        close = difflib.get_close_matches(Path(source).name, known, n=1)
        if close and not Path(source).exists():
            return f"There is no {source}. Did you mean {known[close[0]]}?"
    return f"Give one by -i: {', '.join(str(path) for _name, path in sorted(known.items()))}"
