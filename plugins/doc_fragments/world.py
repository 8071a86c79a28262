# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.settings import options

# The declaration of a service, which other code uses; part of both options below.
_DECLARED = """
role:
  description: The role of the service, which is the prefix of its variables.
  type: str
  required: true
title:
  description: The name of the service in sentences for users.
  type: str
  required: true
name:
  description: The name of its container, program, or Deployment and Service.
  type: str
  required: true
namespace:
  description: Its namespace.
  type: str
  default: ''
used:
  description: Whether the world uses the service.
  type: bool
  default: true
endpoint:
  description: The URL of a service that samerun does not set up; empty for one that it sets up.
  type: str
  default: ''
example:
  description: An example of such a URL.
  type: str
  default: ''
scheme:
  description: The scheme of its URL.
  type: str
  default: http
ports:
  description:
    - Its ports, each with C(name), C(port), C(variable), the variable that sets it, and C(node_port).
    - Clients use the first one.
  type: list
  elements: dict
  required: true
data:
  description: The volume, claim or folder of its data.
  type: str
  required: true
built:
  description: Whether its image is built here.
  type: bool
  default: false
kind:
  description:
    - Its kind, if there are several. V(external) means that samerun does not set it up; C(endpoint) must be its URL.
  type: str
  default: ''
chosen_by:
  description: The variable that chooses the kind.
  type: str
  default: ''
targets:
  description: The targets on which it can run.
  type: list
  elements: str
  required: true
needs:
  description: The roles of services that start before it.
  type: list
  elements: str
  default: []
secrets:
  description:
    - Names of the secrets that the world keeps for it, never their values. A secret is generated if the world has none.
    - All services of the world share the names. C(length), C(alphabet) and C(prefix) say how a secret is generated.
  type: dict
  default: {}
"""


def _nested(columns: int) -> str:
    return "".join(f"{' ' * columns}{line}\n" for line in _DECLARED.strip().splitlines())


class ModuleDocFragment:
    """Documentation of options that modules share: `world`, made from the table of settings, and `service`."""

    DOCUMENTATION = options.fragment(
        "world",
        services={
            "description": ["Its services, in the order in which they start."],
            "type": "list",
            "elements": "dict",
            "required": True,
            "suboptions": yaml.safe_load(_DECLARED),
        },
    )

    SERVICE = r"""
options:
  service:
    description: The service that the role wants.
    type: dict
    required: true
    suboptions:
@DECLARED_6@      image:
        description: Its image.
        type: str
        default: ''
      command:
        description:
          - Its command line. C(${data}), C(${secrets}), C(${bin}) and C(${listen}) are replaced by their paths and
            address at the place where it runs.
        type: list
        elements: str
        required: true
      env:
        description: Its environment, with the same replacements; without secrets.
        type: dict
        default: {}
      data_path:
        description: The path at which its data is mounted in a container.
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
        description:
          - Maps file names to their content; a content that is no text is written as JSON.
          - Names of secrets of any service of the world are replaced by their values, such as C(${access_key}).
        type: dict
        default: {}
      health:
        description:
          - How to probe whether it is ready, on every target.
          - This host and the kubelet use C(http) or C(tcp) if one is given, else C(command).
        type: dict
        required: true
        suboptions:
          http:
            description: The path of the URL that answers when it is ready.
            type: str
            default: ''
          port:
            description: The name of the port of that URL; empty for the first one.
            type: str
            default: ''
          tcp:
            description: The name of a port that accepts connections when it is ready.
            type: str
            default: ''
          command:
            description:
              - What ends with 0 when it is ready. It runs where the service runs, with its environment and the places
                of its command line.
              - A container's own health check runs it; without one a container has no health check.
            type: list
            elements: str
            default: []
      diagnoses:
        description:
          - Errors in the last lines of its log after which waiting does not help. Each has C(says), a regular
            expression, C(cause), C(hint), and C(passes) if the error may pass by itself.
          - C(${data}) is replaced by the place of its data, and named groups of the expression by the text they match.
        type: list
        elements: dict
        default: []
      resources:
        description: Its resource limits, C(cpu) and C(memory).
        type: dict
        default: {}
      requirements:
        description: The requirements of its virtual environment on the process target.
        type: list
        elements: str
        default: []
""".replace("@DECLARED_6@", _nested(6))
