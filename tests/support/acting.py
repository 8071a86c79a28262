"""Runs actions as Ansible does: with a real task, a real templar, and a display that records its lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.connection.local import Connection
from ansible.template import Templar
from ansible.utils.display import Display

from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction


class Screen(Display):
    """A display that records lines instead of showing them."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.warned: list[str] = []

    def display(
        self,
        msg: str,
        color: str | None = None,
        stderr: bool = False,
        screen_only: bool = False,
        log_only: bool = False,
        newline: bool = True,
        caplevel: int | None = None,
    ) -> None:
        self.said.append(msg.strip())

    def warning(self, msg: str, formatted: bool = False, *, help_text: str | None = None, obj: Any = None) -> None:
        self.warned.append(msg)


@dataclass(frozen=True)
class Acted:
    """The outcome of a task.

    Attributes:
        result: the result for Ansible.
        said, warned: the lines for the user.
    """

    result: dict[str, Any]
    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)


def act(
    module: ModuleType,
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> Acted:
    """Run the action of `module` once.

    Args:
        check: whether the play runs in check mode.
        variables: the variables of the task.
    """
    task = Task()
    task.action, task.args, task.check_mode = module.__name__.rpartition(".")[2], dict(arguments), check
    loader, context = DataLoader(), PlayContext()
    action: SamerunAction = module.ActionModule(
        task=task, connection=Connection(context), play_context=context,
        loader=loader, templar=Templar(loader=loader, variables=dict(variables or {})), shared_loader_obj=None,
    )  # fmt: skip
    screen = action._display = Screen()
    screen.said.clear()
    screen.warned.clear()
    return Acted(action.run(task_vars=dict(variables or {})), screen.said, screen.warned)
