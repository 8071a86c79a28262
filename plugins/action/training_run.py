# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import files
from ansible_collections.samerun.stack.plugins.module_utils.errors import EXIT_KEY
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunSpec, RunState
from ansible_collections.samerun.stack.plugins.modules.training_run import ARGUMENT_SPEC
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import attach, history
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.launcher import Launcher
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import training_of
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import refusals
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.action import SamerunAction
from ansible_collections.samerun.stack.plugins.plugin_utils.plays.lines import Lines
from ansible_collections.samerun.stack.plugins.plugin_utils.services import host_of


class ActionModule(SamerunAction):
    """Start a launch, show its log as it grows, and return its record."""

    ARGUMENTS = ARGUMENT_SPEC

    def act(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        world = self.world(options)
        lines = Lines(self._show)
        with refusals.Shown(lines.feed) as shown:
            launcher = Launcher(world, training_of(options["training"], world), self.progress, shown.feed)
            return self._train(options["training"], launcher, shown, lines)

    def _train(self, wanted: dict[str, Any], launcher: Launcher, shown: refusals.Shown, lines: Lines) -> dict[str, Any]:
        spec, code = launcher.spec(planning=self.checking)
        plan = launcher.target.plan(spec)
        would_be = {"changed": True, "plan": plan, "diff": {"before": "", "after": plan}}
        with contextlib.ExitStack() as deciding:
            if not wanted["always"]:
                if self.checking and not self._answers(launcher):
                    return would_be
                if not self.checking:
                    self._decides_alone(launcher, spec, deciding)
                going = attach.equal(launcher.target, spec.fingerprint, settle=not self.checking)
                if done := launcher.done_before(spec):
                    return {"changed": False, "record": done.as_dict(), "path": self._path(launcher, done)}
                if going:
                    deciding.close()
                    return self._joined(launcher, going, shown, lines, watch=not (self.checking or wanted["detach"]))
            if self.checking:
                return would_be
            record = launcher.run(spec, code, detach=wanted["detach"], submitted=deciding.close)
        return self._told(launcher, record, shown, lines)

    def _decides_alone(self, launcher: Launcher, spec: RunSpec, deciding: contextlib.ExitStack) -> None:
        """Lock the fingerprint until `deciding` is closed: an equal play on this host waits, then finds our launch."""
        lock = history.lock_path(launcher.world, spec.fingerprint)
        if files.is_locked(lock):
            self.say("Another play is starting the same training: this one waits for it.")
        deciding.enter_context(files.locked(lock))
        deciding.callback(lock.unlink, missing_ok=True)

    def _joined(
        self, launcher: Launcher, going: attach.Attached, shown: refusals.Shown, lines: Lines, *, watch: bool
    ) -> dict[str, Any]:
        """Follow a launch that another command started; Ctrl+C ends only our following, not the launch."""
        self.say(f"The same training goes on already: {going.launch} is joined, and none is started.")
        if not watch:
            record = replace(going.record, state=RunState.RUNNING)
            return {"changed": False, "record": record.as_dict(), "path": self._path(launcher, record)}
        for found in going.follow():
            shown.feed(found)
        return {**self._told(launcher, going.wait(), shown, lines), "changed": False}

    def _told(self, launcher: Launcher, record: RunRecord, shown: refusals.Shown, lines: Lines) -> dict[str, Any]:
        """The result of a launch that was started or followed."""
        shown.told(record)
        lines.end()
        path = self._path(launcher, record)
        if error := attach.failure(record, path):
            # Ansible prints the whole result of a failed task, so the result holds the path instead of the record.
            told = {"msg": str(error), "hint": error.hint, EXIT_KEY: error.code}
            return {"failed": True, "changed": True, "path": path, **told}
        if record.ended_at and not record.mlflow_runs and not self.alone:
            self._display.warning(f"{record.script} ended well, and 0 MLflow runs were recorded of it.")
        return {"changed": True, "record": record.as_dict(), "path": path}

    def _show(self, line: str) -> None:
        if not self.alone:
            self._display.display(line, stderr=True)

    @staticmethod
    def _answers(launcher: Launcher) -> bool:
        """Whether MLflow answers; in check mode the world may not be up."""
        from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes

        world, there = launcher.world, launcher.world.mlflow
        # The MLflow of another world may listen on the port that ours would have.
        if not there.external and host_of(world).running(there.role, there.name, there.namespace) != "running":
            return False
        try:
            probes.probe_tcp("MLflow", probes.TRACKING_URI, there.url("host"), "host")
        except probes.ProbeError:
            return False
        return True

    @staticmethod
    def _path(launcher: Launcher, record: RunRecord) -> str:
        return str(launcher.world.folder(record.launch).record)
