#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: object_store_bucket
short_description: Make the bucket of a world
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Makes the bucket unless it is there. It is reached from this host with the keys of the world.
  - Makes the key of runs known to the store.
options:
  identities:
    description:
      - How the store learns of the key that runs get. V(file) if it reads it itself, V(minio) by MinIO's own interface,
        empty if runs get the key of the world.
    type: str
    default: ''
    choices: ['', file, minio]
  policy:
    description: What the key of runs may do, as a policy of AWS.
    type: dict
    default: {}
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
attributes:
  diff_mode:
    support: full
    details: It names the bucket.
"""

EXAMPLES = r"""
- name: Make the bucket
  samerun.stack.object_store_bucket:
    world: "{{ __samerun_world }}"
    identities: file
"""

RETURN = r"""
bucket:
  description: Its name.
  returned: success
  type: str
  sample: mlflow-artifacts
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    "identities": {"type": "str", "default": "", "choices": ["", "file", "minio"]},
    "policy": {"type": "dict", "default": {}},
}
