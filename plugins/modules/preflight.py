#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Look at everything before anything starts
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Holds the variables of all roles against their argument specs, unknown ones near a known one included.
  - Reads the script, asks the engine or cluster, claims names and ports.
  - It settles launches that ended while nobody watched, and says so.
  - It fails with one line, and nothing was started then.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
options:
  training:
    description: As O(samerun.stack.training_run#module:training), where the play trains; empty where it does not.
    type: dict
    default: {}
  roles:
    description: The roles of the play, which set services up; V(services) sets all of them up.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Look at everything before anything starts
  samerun.stack.preflight:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
consoles:
  description: URLs of the store's own pages, as this host reaches them.
  returned: success
  type: list
  elements: str
moved:
  description: Variable to port, for ports that were taken, on the process target.
  returned: success
  type: dict
services:
  description: The services of the world, as in the option O(world).
  returned: success
  type: list
  elements: dict
settled:
  description: Launches that were settled now.
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
