#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: object_store_bucket
short_description: Create the bucket of a world
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Creates the bucket unless it exists, from this host and with the keys of the world.
  - Then tells the store the key that runs use.
options:
  identities:
    description:
      - How the store learns the key of runs. V(file) if it reads a file, V(minio) through the API of MinIO, empty if
        runs use the key of the world.
    type: str
    default: ''
    choices: ['', file, minio]
  policy:
    description: What the key of runs may do, as a policy in AWS format.
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
- name: Create the bucket
  samerun.stack.object_store_bucket:
    world: "{{ __samerun_world }}"
    identities: file
"""

RETURN = r"""
bucket:
  description: The name of the bucket.
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
