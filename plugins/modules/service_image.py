#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_image
short_description: Build the image of a service
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Builds the image unless the engine has it, and pushes it if the world has a registry.
  - The file C(installer.pyz) is added to the build context. C(python installer.pyz --image) takes requirements as
    C(pip install) does. It installs them with uv, or with pip if uv cannot follow the settings of pip.
  - The values of E(PIP_INDEX_URL), E(PIP_EXTRA_INDEX_URL) and E(PIP_TRUSTED_HOST) are passed on as build arguments.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.world.service
options:
  dockerfile:
    description: Path of the Dockerfile.
    type: path
    required: true
  args:
    description: More build arguments.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Build the image
  samerun.stack.service_image:
    world: "{{ __samerun_world }}"
    service: "{{ __service }}"
    dockerfile: "{{ role_path }}/files/Dockerfile"
    args:
      BASE_IMAGE: python:3.11-slim-bookworm
"""

RETURN = r"""
{}
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    **SERVICE_SPEC,
    "dockerfile": {"type": "path", "required": True},
    "args": {"type": "dict", "default": {}},
}
