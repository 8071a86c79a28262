#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: process_service
short_description: Keep a service up as a process
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Writes the program's configuration for supervisord, starts supervisord unless it runs, and makes it run the program
    as configured.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.world.service
options:
  restart:
    description: Whether to restart the program even if its configuration is unchanged, because its keys are new.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Start the program
  samerun.stack.process_service:
    world: "{{ __samerun_world }}"
    service: "{{ __service }}"
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    **SERVICE_SPEC,
    "restart": {"type": "bool", "default": False},
}
