#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_state
short_description: Compare a service with what is wanted
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Asks the engine once and returns what differs from what is wanted. Tasks that change the service run only if
    something differs.
  - In check mode it reports a change if the role would make one.
  - It pulls the service's image if needed, so that an error of the pull is reported in one line.
options:
  built:
    description: Whether the role builds the service's image itself.
    type: bool
    default: false
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.world.service
attributes:
  diff_mode:
    support: full
    details: The part before lists in words what differs.
"""

EXAMPLES = r"""
- name: Compare the service with what is wanted
  samerun.stack.service_state:
    world: "{{ __samerun_world }}"
    service: "{{ __service }}"
  register: __service_state
"""

RETURN = r"""
differs:
  description: What differs from what is wanted, in words.
  returned: success
  type: list
  elements: str
  sample: [container mlflow is absent]
exists:
  description: Whether the service exists.
  returned: success
  type: bool
recreate:
  description: Whether it must be created again because it was changed by hand.
  returned: success
  type: bool
request:
  description: The request to the engine, for the tasks that change the service.
  returned: success
  type: dict
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, **SERVICE_SPEC, "built": {"type": "bool", "default": False}}
