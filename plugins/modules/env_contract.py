#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: env_contract
short_description: Resolve the environment contract of a world and probe its endpoints
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Resolves the variables that a run would get at a viewpoint.
  - Probes the tracking server and the bucket from this host.
  - It changes only one fixed key in the bucket, which every run writes too. No secret is returned.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
options:
  viewpoint:
    description: The place where the addresses are used.
    type: str
    choices: [host, container, pod]
    default: host
  probe:
    description: Whether to probe the endpoints.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Probe everything that a run needs
  samerun.stack.env_contract:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
names:
  description: The names of the variables that a run gets.
  returned: success
  type: list
  elements: str
plain:
  description: The variables that are not secret, with their values.
  returned: success
  type: dict
probed:
  description: The services that answered.
  returned: success
  type: list
  elements: str
sha256:
  description: Hash of the part that is not secret.
  returned: success
  type: str
viewpoint:
  description: The place where the addresses are used.
  returned: success
  type: str
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    "viewpoint": {"type": "str", "choices": ["host", "container", "pod"], "default": "host"},
    "probe": {"type": "bool", "default": True},
}
