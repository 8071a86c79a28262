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
  - Packs the project folder of the script, makes its environment if it is missing, starts the script on the target,
    shows its log as it arrives, and records how it ended.
  - If the world has a finished launch with the same fingerprint, it starts nothing, unless O(training.always=true). The
    fingerprint covers code, arguments, environment, variables, volumes and target. If a launch with the same
    fingerprint is running, it follows that launch to its end.
extends_documentation_fragment:
  - samerun.stack.action
  - samerun.stack.world
  - samerun.stack.training
attributes:
  check_mode:
    details: It returns the request to the engine and starts nothing.
  diff_mode:
    support: full
    details: The part after is the request to the engine, with secrets masked.
"""

EXAMPLES = r"""
- name: Train
  samerun.stack.training_run:
    world: "{{ __samerun_world }}"
    training:
      script: train.py
      args: [--epochs, "10"]
"""

RETURN = r"""
path:
  description: The path of the record.
  returned: when a launch ended, or existed before
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
      description: The id of the launch.
      type: str
    state:
      description: PENDING, RUNNING, FINISHED, FAILED or KILLED.
      type: str
    exit_code:
      description: The exit code of the script; null if it never ran.
      type: int
    cause:
      description: Why it did not finish, in one word for programs; absent if it finished.
      type: str
    reason:
      description: Why it did not finish, in one line.
      type: str
    mlflow_runs:
      description: The launch's MLflow runs, with parameters, last metrics and the URL of their page.
      type: list
"""

from ansible_collections.samerun.stack.plugins.module_utils.options import TRAINING_SPEC, WORLD_SPEC

ARGUMENT_SPEC = {**WORLD_SPEC, **TRAINING_SPEC}
