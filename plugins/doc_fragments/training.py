# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings import options


class ModuleDocFragment:
    """Documentation of the option `training`, made from the table of settings."""

    DOCUMENTATION = options.fragment("training")
