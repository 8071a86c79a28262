# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: services
author: samerun contributors (@samerun)
version_added: 0.1.0
short_description: The services of a world
description:
  - Returns what every plugin needs to know of the services of a world, in the order in which they start.
  - A service is a role of this collection with a data file, C(vars/main/service.yml); the role's defaults count
    where nothing else sets its variables.
options: {}
"""

EXAMPLES = r"""
- name: Show what the services are called
  ansible.builtin.debug:
    msg: "{{ query('samerun.stack.services') | map(attribute='name') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary for each service, as in the option O(samerun.stack.preflight#module:world).
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.samerun.stack.plugins.plugin_utils.world import declared


class LookupModule(LookupBase):
    """The services of a world, as data."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        del terms, kwargs
        # Outside a template there is no templar, and nothing asks for services.
        return declared.services(self._templar, variables or {}) if self._templar else []
