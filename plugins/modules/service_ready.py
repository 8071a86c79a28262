#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_ready
short_description: Wait until a service answers
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Waits until the engine says that the service runs and its health path answers from this host.
  - Then records the state of the service, so that edits by hand are noticed later.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.world.service
options:
  timeout:
    description: How long to wait, in seconds.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Wait until the service answers
  samerun.stack.service_ready:
    world: "{{ __samerun_world }}"
    service: "{{ __service }}"
"""

RETURN = r"""
seconds:
  description: How long it took.
  returned: success
  type: float
url:
  description: The URL at which this host reaches the service.
  returned: success
  type: str
  sample: http://localhost:5000
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    **SERVICE_SPEC,
    "timeout": {"type": "int", "default": 180},
}
