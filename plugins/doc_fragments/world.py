# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.settings import options


class ModuleDocFragment:
    """Options that the modules of this collection share: `world`, as the table of settings has it, and `service`."""

    DOCUMENTATION = options.fragment("world")

    SERVICE = r"""
options:
  service:
    description: A service as its role wants it.
    type: dict
    required: true
    suboptions:
      role:
        description: The prefix of the variables that set it.
        type: str
        required: true
      name:
        description: The name of container, program or Deployment.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        default: ''
      image:
        description: Its image.
        type: str
        default: ''
      command:
        description:
          - Its command line. C(${data}), C(${secrets}), C(${bin}) and C(${listen}) stand for the places that they
            have where it runs.
        type: list
        elements: str
        required: true
      env:
        description: Its environment, with the same places; no secret.
        type: dict
        default: {}
      ports:
        description: Its ports, each with C(name), C(port), C(variable) and C(node_port); the first one answers health.
        type: list
        elements: dict
        required: true
      data:
        description: The volume, claim or folder of its data.
        type: str
        required: true
      data_path:
        description: Where a container sees its data.
        type: str
        required: true
      data_size:
        description: The size of a claim.
        type: str
        default: 10Gi
      data_class:
        description: The storage class of a claim.
        type: str
        default: ''
      secret_files:
        description: File name to content, with C(${access_key}) and C(${secret_key}) in it; data becomes JSON.
        type: dict
        default: {}
      health:
        description: The path that answers when it is ready.
        type: str
        required: true
      healthcheck:
        description: The command by which a container looks at itself.
        type: list
        elements: str
        default: []
      built:
        description: Whether its image is built here.
        type: bool
        default: false
      resources:
        description: Its limits, C(cpu) and C(memory).
        type: dict
        default: {}
      requirements:
        description: What its virtual environment holds on the process target.
        type: list
        elements: str
        default: []
"""
