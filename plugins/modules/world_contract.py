#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: world_contract
short_description: Write the contract of a world to where it is read
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Writes the variables for this host to a file of mode 0600, which C(samerun env) prints.
  - On Kubernetes it also writes the ConfigMap C(mlflow-config) and the Secret C(r2-credentials).
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
attributes:
  diff_mode:
    support: full
    details: It says that the contract differs, but shows no values.
"""

EXAMPLES = r"""
- name: Write the contract
  samerun.stack.world_contract:
    world: "{{ __samerun_world }}"
"""

RETURN = r"""
urls:
  description: The URLs at which this host reaches MLflow (C(mlflow)) and the S3 store, if used (C(object_store)).
  returned: success
  type: dict
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = WORLD_SPEC
