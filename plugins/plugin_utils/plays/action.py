# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The base class of the collection's action plugins: checks the options, makes one call, returns a result or error."""

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

    Its arguments are never written to a module's file or a result, so secrets among them stay in memory.
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
            # Ansible's strings are tagged with their origin. The copy through JSON has plain strings.
            return {"changed": False, **self.act(json.loads(json.dumps(options)), task_vars or {})}
        except SamerunError as error:
            return {"failed": True, "msg": str(error), "hint": error.hint, EXIT_KEY: error.code}

    @abc.abstractmethod
    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do the work of the action; return the task's result."""

    def guard(self, task_vars: dict[str, Any]) -> None:
        """Raise a SamerunError if a variable that the options are made from has an invalid value."""

    @property
    def checking(self) -> bool:
        """Whether the play runs in check mode."""
        return bool(self._task.check_mode)

    @property
    def alone(self) -> bool:
        """Whether the play of this task has died; a display call would then block forever."""
        return os.getppid() != self._play

    def say(self, line: str) -> None:
        """Show one line immediately, in addition to the task's result."""
        self._tell(channel.Kind.SAY, line)

    def warn(self, line: str) -> None:
        """Show a warning that is repeated at the end of the play."""
        if not channel.send(channel.Kind.SAY, line.encode()) and not self.alone:
            self._display.warning(line)

    def progress(self, line: str) -> None:
        """Show a progress line; the next one replaces it."""
        self._tell(channel.Kind.PROGRESS, line)

    def _tell(self, kind: channel.Kind, line: str) -> None:
        if not channel.send(kind, line.encode()) and not self.alone:
            self._display.display(f"  {line}", stderr=True)

    @staticmethod
    def world(options: dict[str, Any]) -> World:
        return World.from_options(options["world"])
