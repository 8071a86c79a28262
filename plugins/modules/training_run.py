#!/usr/bin/python
# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: training_run
short_description: Run an unchanged training script with the environment contract
version_added: 0.1.0
author: samerun contributors (@samerun)
description:
  - Packs the project folder of the script, makes the environment that it runs in where that is missing, starts it on
    the target, shows its log as it comes and records how it ended.
  - Unless O(always=true) it starts nothing where the world has a finished launch with the same fingerprint - the same
    code, arguments, environment, variables, volumes and target. One that still runs is followed to its end instead.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
options:
  script:
    description: The script, relative to the caller's folder.
    type: str
    required: true
  args:
    description: Its arguments.
    type: list
    elements: str
    default: []
  project:
    description: The folder that travels with it; empty for the script's own.
    type: str
    default: ''
  name:
    description: What its launches are called; empty for the script's name.
    type: str
    default: ''
  target:
    description: Where it runs; empty for where the services of the world run.
    type: str
    default: ''
  python:
    description: The interpreter, of this host or in the image; empty for one made of O(requirements).
    type: str
    default: ''
  requirements:
    description: Its requirements file; empty for C(requirements.txt) of the project, else MLflow and boto3.
    type: str
    default: ''
  image:
    description: A ready image that has what it imports; empty for one built of O(requirements).
    type: str
    default: ''
  base_image:
    description: What an image is built from.
    type: str
    default: ''
  env:
    description: Variables for the script.
    type: dict
    default: {}
  secret_env:
    description: Variables for the script that appear nowhere else.
    type: dict
    default: {}
  volumes:
    description:
      - Files for the script, each C(SOURCE:PATH) or C(SOURCE:PATH:ro), or a mapping of C(source), C(path) and
        C(read_only).
      - The source is a folder of this host or the name of a volume; on Kubernetes the name of a claim.
    type: list
    elements: raw
    default: []
  resources:
    description: What it gets - C(cpu) in cores, C(memory) and C(shm) such as C(4Gi), C(gpu) as a number.
    type: dict
    default: {}
  timeout:
    description: Its time limit in seconds, from the start of its first attempt; 0 for none.
    type: int
    default: 0
  network:
    description:
      - The Docker network that it joins; empty for the one of the world.
      - V(host) is that of the host, on Kubernetes of a node.
    type: str
    default: ''
  start_timeout:
    description: How long, in seconds, a pod that no node takes is waited for; 0 for ever.
    type: int
    default: 10
  node_selector:
    description: Labels of the nodes that it may run on.
    type: dict
    default: {}
  tolerations:
    description: Taints that it tolerates, as Kubernetes writes them.
    type: list
    elements: dict
    default: []
  priority_class:
    description: Its priority class.
    type: str
    default: ''
  service_account:
    description: Its service account; empty for none.
    type: str
    default: ''
  queue:
    description: The queue of Kueue that admits it; empty for none.
    type: str
    default: ''
  overlay:
    description: What is merged over the native request, in the engine's own words.
    type: dict
    default: {}
  retries:
    description: How often it is started again after its process, container, pod or node was lost.
    type: int
    default: 0
  retry_failures:
    description: Whether a failure of the script itself counts as well.
    type: bool
    default: false
  outputs:
    description: Patterns of files below its working folder that are kept as artifacts and come back.
    type: list
    elements: str
    default: []
  record_failures:
    description: Whether a launch that started no MLflow run gets one that says how it ended.
    type: bool
    default: false
  keep_code:
    description: Whether the code is kept as an artifact too.
    type: bool
    default: false
  delivery:
    description: How the code gets there - C(auto), C(bundle), C(mount) or C(image).
    type: str
    default: auto
    choices: [auto, bundle, mount, image]
  always:
    description: Whether to start it although the same was trained already, or runs.
    type: bool
    default: false
  detach:
    description: Whether to return as soon as it is submitted.
    type: bool
    default: false
attributes:
  check_mode:
    details: It returns the request to the engine and starts nothing.
  diff_mode:
    support: full
    details: After is the request to the engine, with secrets masked.
"""

EXAMPLES = r"""
- name: Train
  samerun.stack.training_run:
    world: "{{ __samerun_world }}"
    script: train.py
    args: [--epochs, "10"]
"""

RETURN = r"""
path:
  description: The path of the record.
  returned: when a launch ended, or was there before
  type: str
plan:
  description: The request to the engine, with secrets masked.
  returned: in check mode
  type: dict
record:
  description: The record of the launch.
  returned: when there is a launch
  type: dict
  contains:
    launch:
      description: Its id.
      type: str
    state:
      description: PENDING, RUNNING, FINISHED, FAILED or KILLED.
      type: str
    exit_code:
      description: The exit code of the script; null where it never ran.
      type: int
    cause:
      description: Why it did not finish, in one word for programs; absent where it did.
      type: str
    reason:
      description: Why it did not finish, in one line.
      type: str
    mlflow_runs:
      description: Its MLflow runs, with parameters, last metrics and page.
      type: list
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import WORLD_SPEC

ARGUMENT_SPEC = {
    **WORLD_SPEC,
    "script": {"type": "str", "required": True},
    "args": {"type": "list", "elements": "str", "default": []},
    "project": {"type": "str", "default": ""},
    "name": {"type": "str", "default": ""},
    "target": {"type": "str", "default": ""},
    "python": {"type": "str", "default": ""},
    "requirements": {"type": "str", "default": ""},
    "image": {"type": "str", "default": ""},
    "base_image": {"type": "str", "default": ""},
    "env": {"type": "dict", "default": {}},
    "secret_env": {"type": "dict", "default": {}, "no_log": True},
    "volumes": {"type": "list", "elements": "raw", "default": []},
    "resources": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 0},
    "network": {"type": "str", "default": ""},
    "start_timeout": {"type": "int", "default": 10},
    "node_selector": {"type": "dict", "default": {}},
    "tolerations": {"type": "list", "elements": "dict", "default": []},
    "priority_class": {"type": "str", "default": ""},
    "service_account": {"type": "str", "default": ""},
    "queue": {"type": "str", "default": ""},
    "overlay": {"type": "dict", "default": {}},
    "retries": {"type": "int", "default": 0},
    "retry_failures": {"type": "bool", "default": False},
    "outputs": {"type": "list", "elements": "str", "default": []},
    "record_failures": {"type": "bool", "default": False},
    "keep_code": {"type": "bool", "default": False},
    "delivery": {"type": "str", "default": "auto", "choices": ["auto", "bundle", "mount", "image"]},
    "always": {"type": "bool", "default": False},
    "detach": {"type": "bool", "default": False},
}
