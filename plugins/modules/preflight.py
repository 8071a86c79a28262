#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check everything before anything starts
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Validates the variables of all roles by their argument specs. An unknown variable with a name similar to a known one
    is refused.
  - Reads the script, asks the engine or cluster, and verifies that names and ports are free.
  - Settles launches that ended while nobody followed them, and reports them.
  - If something is wrong, it fails with one line before anything is started.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
options:
  training:
    description: As O(samerun.stack.training_run#module:training) if the play trains; empty if it does not.
    type: dict
    default: {}
  roles:
    description: The roles of the play that set up services; V(services) means all of them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Check everything before anything starts
  samerun.stack.preflight:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
consoles:
  description: URLs of the store's web console, as this host reaches them.
  returned: success
  type: list
  elements: str
moved:
  description: Maps variables to new ports, for ports that were taken. Only on the process target.
  returned: success
  type: dict
services:
  description: The services of the world, in the format of the option O(world).
  returned: success
  type: list
  elements: dict
settled:
  description: The launches that were settled now.
  returned: success
  type: list
  elements: str
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    "training": {"type": "dict", "default": {}},
    "roles": {"type": "list", "elements": "str", "default": []},
}
