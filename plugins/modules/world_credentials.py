#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_credentials
short_description: Ensure that a world has S3 keys
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Uses the keys that the inventory sets.
  - If it sets none, generates keys once, with 128 random bits.
  - Keeps the keys in a file of mode 0600 in the state folder or, on Kubernetes, in a Secret beside the store.
options:
  separate:
    description: Whether runs get separate keys with fewer permissions.
    type: bool
    default: false
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
attributes:
  diff_mode:
    support: full
    details: It says that there are keys, but does not show them.
"""

EXAMPLES = r"""
- name: Ensure that the world has S3 keys
  samerun.stack.world_credentials:
    world: "{{ __samerun_world }}"
    separate: true
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, "separate": {"type": "bool", "default": False}}
