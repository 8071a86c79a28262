#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: python_env
short_description: Make a virtual environment for a list of requirements
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Makes the environment unless one exists for the same requirements and the same version of Python.
  - It is in the user's cache folder, and all worlds share it.
extends_documentation_fragment:
  - samerun.stack.action
options:
  requirements:
    description: Requirements in the format of pip.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Make the environment of the server
  samerun.stack.python_env:
    requirements: [mlflow==3.17.2, boto3]
"""

RETURN = r"""
path:
  description: The folder of the environment.
  returned: success
  type: str
"""

ARGUMENT_SPEC = {"requirements": {"type": "list", "elements": "str", "required": True}}
