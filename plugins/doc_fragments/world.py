# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import yaml

from ansible_collections.samerun.stack.plugins.module_utils.settings import options

# A service as others know it; part of both options below.
_DECLARED = """
role:
  description: The prefix of the variables that set it.
  type: str
  required: true
title:
  description: What it is, for people in a sentence.
  type: str
  required: true
name:
  description: The name of container, program, or Deployment and Service.
  type: str
  required: true
namespace:
  description: Its namespace.
  type: str
  default: ''
used:
  description: Whether the world uses it at all.
  type: bool
  default: true
endpoint:
  description: Its URL if it is not ours; then nothing of it is set up.
  type: str
  default: ''
example:
  description: An example of such a URL.
  type: str
  default: ''
scheme:
  description: How its URL begins.
  type: str
  default: http
ports:
  description:
    - Its ports, each with C(name), C(port), C(variable), which moves it, and C(node_port).
    - Others use it by the first one.
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
  description: What it is, where there are several; V(external) for one that is not ours, which C(endpoint) must name.
  type: str
  default: ''
chosen_by:
  description: The variable that chooses the kind.
  type: str
  default: ''
targets:
  description: Where it can run.
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
    - Names of secrets that the world keeps for it, made where it keeps none; never their values.
    - A name is one of the whole world. It may have C(length), C(alphabet) and C(prefix) of what is made.
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
    description: A service as its role wants it.
    type: dict
    required: true
    suboptions:
@DECLARED_6@      image:
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
        description:
          - File name to content; data becomes JSON.
          - The names of secrets, of any service of the world, stand for their values, as in C(${access_key}).
        type: dict
        default: {}
      health:
        description:
          - How it is asked whether it is ready, on every target.
          - This host and a kubelet ask C(http) or C(tcp) where one is said, else C(command).
        type: dict
        required: true
        suboptions:
          http:
            description: The path that answers when it is ready.
            type: str
            default: ''
          port:
            description: The name of the port that answers it; empty for the first one.
            type: str
            default: ''
          tcp:
            description: The name of a port that takes connections when it is ready.
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
          - What the end of its log says where waiting does not help, each with C(says), a regular expression, C(cause),
            C(hint), and C(passes) where it may pass by itself.
          - C(${data}) stands for its data, and named groups of the expression for what they found.
        type: list
        elements: dict
        default: []
      resources:
        description: Its limits, C(cpu) and C(memory).
        type: dict
        default: {}
      requirements:
        description: What its virtual environment holds on the process target.
        type: list
        elements: str
        default: []
""".replace("@DECLARED_6@", _nested(6))
