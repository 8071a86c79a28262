#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_teardown
short_description: Remove the services of a world
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Removes all objects with the labels of the world. Data and keys stay, unless O(purge=true).
  - Refuses to do so while a launch is running.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
options:
  purge:
    description:
      - Whether to remove data, keys and records too, and the namespaces that samerun created for this world if nobody
        else uses them.
    type: bool
    default: false
attributes:
  check_mode:
    details: The task is skipped in check mode.
"""

EXAMPLES = r"""
- name: Stop the world and keep its data
  samerun.stack.world_teardown:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
removed:
  description: What was removed.
  returned: success
  type: list
  elements: str
  sample: [container mlflow, network samerun]
kept:
  description: What samerun made but did not remove, because somebody else uses it.
  returned: success
  type: list
  elements: str
  sample: ["namespace training, which holds what is not this world's: PersistentVolumeClaim checkpoints"]
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, "purge": {"type": "bool", "default": False}}
