# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every variable of an inventory, said once.

These tables are the only place that says what a variable is called, what it holds, what it is by default, and what it
does. The argument specs of modules and their documentation are made of them at import; the roles' files and the tables
in their READMEs by docs/settings.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.samerun.stack.plugins.module_utils.settings import mlflow, object_store, training, world
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Role, Setting

ROLES: tuple[Role, ...] = (world.ROLE, object_store.ROLE, mlflow.ROLE, training.ROLE)

# By variable.
SETTINGS: Mapping[str, Setting] = {setting.name: setting for role in ROLES for setting in role.settings}
