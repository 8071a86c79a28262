"""Describes what to train, and turns it into variables that override the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts
from samerun.variables import Variables


@dataclass(frozen=True)
class Training:
    """What to train; see `samerun.run`."""

    script: str = ""
    args: tuple[str, ...] = ()
    target: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    detach: bool = False


def with_training(variables: Variables, training: Training) -> Variables:
    """Add the project's samerun.yml to `variables`, then script and target, which override it.

    Arguments and environment of the script are not added: they are data, and Ansible must not template them.

    Raises:
        SamerunError: the script or the project's samerun.yml cannot be read.
    """
    script = training.script or str(variables.values.get("training_script", "train.py"))
    project = str(variables.values.get("training_project", ""))
    found = scripts.located(script, project)
    return variables.with_project(Path(project) if project else Path(script).parent).with_literals(
        training_script=str(found.project / found.relative),
        **({"training_target": training.target} if training.target else {}),
    )  # fmt: skip
