# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carries out one launch: packs the code, submits it, follows it, and returns its record."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ansible_collections.samerun.stack.plugins.module_utils import files, run
from ansible_collections.samerun.stack.plugins.module_utils.run import RunRecord, RunSpec, RunState
from ansible_collections.samerun.stack.plugins.module_utils.training import Training
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code import bundle, scripts
from ansible_collections.samerun.stack.plugins.plugin_utils.code.sources import checks
from ansible_collections.samerun.stack.plugins.plugin_utils.environments import import_marks
from ansible_collections.samerun.stack.plugins.plugin_utils.launches import collector, history, watching
from ansible_collections.samerun.stack.plugins.plugin_utils.launches.training import sources_of
from ansible_collections.samerun.stack.plugins.plugin_utils.plays import signals
from ansible_collections.samerun.stack.plugins.plugin_utils.targets import TARGETS
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.base import Say
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials


class Launcher:
    """Plans, starts and follows launches of one world.

    Args:
        say: is called with each line about progress.
        show: is called with each piece of the log.
    """

    def __init__(self, world: World, training: Training, say: Say, show: Callable[[bytes], None]) -> None:
        self.world = world
        self.training = training
        self.show = show
        self.say = say
        self.target = TARGETS[training.target](world, say)

    @functools.cached_property
    def sources(self) -> checks.Sources:
        return sources_of(self.training)

    def spec(self, *, planning: bool = False) -> tuple[RunSpec, bundle.Bundle]:
        """Pack the project and describe the launch as data; nothing is built or started.

        Args:
            planning: whether generated keys stand in for keys that the world does not have yet.
        """
        _ = self.sources  # raises for a script that cannot run
        code = bundle.pack(Path(self.training.project))
        return self._spec(code, planning=planning), code

    def check(self) -> None:
        """Raise for a launch that the target cannot carry out, before the project is packed."""
        spec = self._spec(bundle.Bundle(b"", "", 0), planning=True)
        self.target.plan(spec)
        self.target.verify(spec)

    def _spec(self, code: bundle.Bundle, *, planning: bool) -> RunSpec:
        given, target = self.training, self.target
        environment = target.environment(given.environment)
        keys = credentials.for_runs(self.world) or (credentials.generate() if planning else None)
        contract = self.world.contract(target.viewpoint(given.network), keys).without(given.env)
        parts = {
            "bundle": code.sha256, "script": given.script, "args": given.args, "environment": environment.key,
            "env": given.env, "secrets": sorted(given.secret_env), "volumes": given.volumes, "target": target.NAME,
        }  # fmt: skip
        return RunSpec(
            launch=run.new_launch(given.name), world=self.world.name, training=given, bundle_sha256=code.sha256,
            script_sha256=scripts.digest(Path(given.project) / given.script),
            fingerprint=run.fingerprint(**parts), environment=environment, contract=contract, bucket=self.world.bucket,
        )  # fmt: skip

    def done_before(self, spec: RunSpec) -> RunRecord | None:
        """Find a FINISHED launch with the same fingerprint whose MLflow runs still exist."""
        return history.finished(self.world, spec.fingerprint)

    def run(
        self,
        spec: RunSpec,
        code: bundle.Bundle,
        *,
        detach: bool = False,
        submitted: Callable[[], None] = lambda: None,
        catching: signals.Catching = signals.passed_on,
    ) -> RunRecord:
        """Prepare the environment, submit the launch, follow and settle it; return its record.

        Args:
            detach: whether to return as soon as the launch is submitted.
            submitted: is called once other commands can find the launch.
            catching: passes the signals of this process on to the launch while it is followed.
        """
        started = time.monotonic()
        environment = self.target.prepare(self.training.environment, spec.environment)
        wanted = import_marks.wanted(self.world, environment, self.sources)
        spec = replace(spec, environment=environment, imports=wanted)
        prepared = time.monotonic()
        lock = self.world.folder(spec.launch).lock
        pending = watching.PendingSignals(self.target, spec.launch)
        caught = contextlib.nullcontext() if detach else catching(pending.take)
        with files.locked(lock), caught:
            with _nothing_left(lock):
                self.target.submit(spec, code)
            record = spec.record()
            record.started_at = run.now()
            collector.note(self.world, record)
            pending.submitted()
            submitted()
            import_marks.expect(self.world, spec.launch, environment, self.sources)
            if detach:
                record.state = RunState.RUNNING
                return record
            outcome, first = watching.watch(self.target, record, pending, self.show)
            record.durations = {"prepare": round(prepared - started, 3)}
            if first:
                record.durations["first_output"] = round(first - prepared, 3)
            return collector.settle(self.target, record, outcome)


@contextlib.contextmanager
def _nothing_left(lock: Path) -> Iterator[None]:
    """Remove the launch's folder if submitting fails; a folder with other files in it stays."""
    try:
        yield
    except BaseException:
        lock.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            lock.parent.rmdir()
        raise
