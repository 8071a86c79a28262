#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: See that the inventory names a world
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Ansible ends with success where a play matches no host. This fails there, with the nearest inventory that exists.
attributes:
  check_mode:
    description: Can run in check mode and return what it would change.
    support: full
    details: It changes nothing then.
  diff_mode:
    description: Returns what would differ, with nothing secret in it.
    support: none
    details: It has nothing to show.
notes:
  - It runs on the controller, as an action; nothing of it is copied to a host.
"""

EXAMPLES = r"""
- name: See that the inventory names a world
  samerun.stack.inventory_check:
"""

RETURN = r"""
worlds:
  description: The hosts of the group samerun.
  returned: success
  type: list
  elements: str
"""

ARGUMENT_SPEC: dict[str, object] = {}
