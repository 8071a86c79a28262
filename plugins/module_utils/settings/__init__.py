# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of all inventory variables.

Only these tables define a variable's name, type, default and help. From them the argument specs and the documentation
of modules are made at import. docs/settings.py makes the roles' files and the tables in the roles' READMEs.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.samerun.stack.plugins.module_utils.settings import mlflow, object_store, training, world
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Role, Setting

ROLES: tuple[Role, ...] = (world.ROLE, object_store.ROLE, mlflow.ROLE, training.ROLE)

# Each setting by its variable.
SETTINGS: Mapping[str, Setting] = {setting.name: setting for role in ROLES for setting in role.settings}
