#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_secrets
short_description: Write the secret files of a service to where it reads them
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Generates the secrets that the service declares and the world does not have yet, and keeps them.
  - Renders the files with the secrets of the world, and writes them to a folder of mode 0700, into the container, or to
    a Secret.
  - It reads the secrets where the world keeps them. They are never in the arguments or the result of a task.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.world.service
"""

EXAMPLES = r"""
- name: Write the keys to where the service reads them
  samerun.stack.service_secrets:
    world: "{{ __samerun_world }}"
    service: "{{ __service }}"
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, **SERVICE_SPEC}
