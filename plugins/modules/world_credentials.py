#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_credentials
short_description: See to it that a world has S3 keys
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Keys that the inventory sets are kept as they are.
  - Where there are none, keys are generated once, with 128 random bits.
  - They are kept in a file of mode 0600 in the state folder or, on Kubernetes, in a Secret beside the store.
options:
  separate:
    description: Whether runs get keys of their own, which may do less.
    type: bool
    default: false
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
attributes:
  diff_mode:
    support: full
    details: It says that there are keys, and nothing of them.
"""

EXAMPLES = r"""
- name: See to it that the world has S3 keys
  samerun.stack.world_credentials:
    world: "{{ __samerun_world }}"
    separate: true
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, "separate": {"type": "bool", "default": False}}
