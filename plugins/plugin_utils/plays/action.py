# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the collection's action plugins share: options in, one call, result or one line out."""

from __future__ import annotations

import abc
import json
import os
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from ansible_collections.samerun.stack.plugins.module_utils.errors import EXIT_KEY, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import channel


class SamerunAction(ActionBase):
    """An action that runs wholly on the controller.

    Nothing of its arguments reaches a module's file or a result, so secrets among them stay in memory.
    """

    ARGUMENTS: ClassVar[dict[str, Any]]
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._play = os.getppid()
        try:
            self.guard(task_vars or {})
            _validation, options = self.validate_argument_spec(self.ARGUMENTS)  # type: ignore[no-untyped-call]
            # Ansible's strings carry where they come from; what is made of them must not.
            return {"changed": False, **self.act(json.loads(json.dumps(options)), task_vars or {})}
        except SamerunError as error:
            return {"failed": True, "msg": str(error), "hint": error.hint, EXIT_KEY: error.code}

    @abc.abstractmethod
    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do it; return the task's result."""

    def guard(self, task_vars: dict[str, Any]) -> None:
        """Raise a SamerunError where variables that the options are made of have no right value."""

    @property
    def checking(self) -> bool:
        """Whether the play runs in check mode."""
        return bool(self._task.check_mode)

    @property
    def alone(self) -> bool:
        """Whether the play that this task belongs to is gone; whatever is displayed then hangs for ever."""
        return os.getppid() != self._play

    def say(self, line: str) -> None:
        """Show one line at once, beside the task's result."""
        self._tell(channel.Kind.SAY, line)

    def warn(self, line: str) -> None:
        """Show a line that stays in sight at the end of a play."""
        if not channel.send(channel.Kind.SAY, line.encode()) and not self.alone:
            self._display.warning(line)

    def progress(self, line: str) -> None:
        """Show a line that matters only until the next one comes."""
        self._tell(channel.Kind.PROGRESS, line)

    def _tell(self, kind: channel.Kind, line: str) -> None:
        if not channel.send(kind, line.encode()) and not self.alone:
            self._display.display(f"  {line}", stderr=True)

    @staticmethod
    def world(options: dict[str, Any]) -> World:
        return World.from_options(options["world"])
