"""What is to be trained, as variables over those of an inventory."""

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
    """`variables` with script and target, over those of the project's samerun.yml.

    Arguments and environment of the script are data: they are no part of what is read and templated.

    Raises:
        SamerunError: the script cannot be read, or the project's file.
    """
    script = training.script or str(variables.values.get("training_script", "train.py"))
    project = str(variables.values.get("training_project", ""))
    found = scripts.located(script, project)
    return variables.with_project(Path(project) if project else Path(script).parent).with_literals(
        training_script=str(found.project / found.relative),
        **({"training_target": training.target} if training.target else {}),
    )  # fmt: skip
