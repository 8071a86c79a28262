#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_secrets
short_description: Put the secret files of a service where it reads them
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Renders the files with the secrets of the world and writes them - a folder of mode 0700, the container, or a Secret.
  - Those that the service declares and the world does not keep yet are made, and kept.
  - They are read where the world keeps them and never pass through a task.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.world.service
"""

EXAMPLES = r"""
- name: Put the keys where the service reads them
  samerun.stack.service_secrets:
    world: "{{ __samerun_world }}"
    service: "{{ __service }}"
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, **SERVICE_SPEC}
