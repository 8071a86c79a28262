#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: inventory_check
short_description: Check that the inventory names a world
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - If a play matches no host, Ansible ends with success. This module then fails, and names the most similar inventory
    that exists.
extends_documentation_fragment:
  - samerun.stack.action
"""

EXAMPLES = r"""
- name: Check that the inventory names a world
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
