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
  - Reads the engine once and says what is not as wanted, so that the tasks that change it run only then.
  - In check mode it reports a change where the role would make one.
  - An image that is to be pulled is pulled here, so that a reason why it cannot be is told in one line.
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
    details: Before is what differs, in words.
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
  description: What is not as wanted, in words.
  returned: success
  type: list
  elements: str
  sample: [container mlflow is absent]
exists:
  description: Whether there is one.
  returned: success
  type: bool
recreate:
  description: Whether it was changed by hand so that it must be made anew.
  returned: success
  type: bool
request:
  description: What the tasks that change it need.
  returned: success
  type: dict
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, **SERVICE_SPEC, "built": {"type": "bool", "default": False}}
