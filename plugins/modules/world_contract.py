#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_contract
short_description: Write the contract of a world where it is read
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Writes the variables as this host sees them to a file of mode 0600 that C(samerun env) prints.
  - On Kubernetes it also writes the ConfigMap C(mlflow-config) and the Secret C(r2-credentials).
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
attributes:
  diff_mode:
    support: full
    details: It says that the contract differs, and nothing of its values.
"""

EXAMPLES = r"""
- name: Write the contract
  samerun.stack.world_contract:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
urls:
  description: Where this host reaches MLflow (C(mlflow)) and, where it uses one, the S3 store (C(object_store)).
  returned: success
  type: dict
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = WORLD_SPEC
