# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface of a training target. Each target has a folder beside this file; none imports another."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.samerun.stack.plugins.module_utils import causes
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.masking import MASK
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    Outcome,
    RunRecord,
    RunSpec,
    RunState,
)
from ansible_collections.samerun.stack.plugins.module_utils.training import EnvironmentRequest
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.engines import away


@dataclass(frozen=True)
class Left:
    """The files that a launch left, as paths on this host.

    Attributes:
        code: the path of its bundle; empty unless `training_keep_code` is set.
        outputs: name and path of each file that `training_outputs` matches.
    """

    code: str = ""
    outputs: tuple[tuple[str, str], ...] = ()


Say = Callable[[str], None]


class Target(abc.ABC):
    """Runs scripts, in one way.

    A target first describes its request as plain data (`plan`) and then only sends it (`submit`), so check mode shows
    exactly what is sent. The engine keeps the launches: `launches`, `outcome` and `log` read them from there.

    Args:
        world: the world whose services the script uses.
        say: is called with each line for the user.
    """

    NAME: ClassVar[str]
    VIEWPOINT: ClassVar[str]

    def __init__(self, world: World, say: Say = lambda _line: None) -> None:
        self.world = world
        self.say = say

    def viewpoint(self, network: str) -> str:
        """The viewpoint of a run in `network` (`training_network`)."""
        del network
        return self.VIEWPOINT

    def close(self) -> None:  # noqa: B027 - a target without connections has nothing to close
        """Close idle connections; the next call opens new ones."""

    @property
    def patience(self) -> float:
        """For how many seconds the engine may give no answer before following or waiting for a launch fails."""
        return away.HERE

    @abc.abstractmethod
    def check(self) -> None:
        """Raise a SamerunError if nothing can run here now. It changes nothing, and takes at most 10 s."""

    @abc.abstractmethod
    def environment(self, request: EnvironmentRequest) -> Environment:
        """Describe the environment that `request` asks for, without making it."""

    @abc.abstractmethod
    def prepare(self, request: EnvironmentRequest, environment: Environment) -> Environment:
        """Make `environment` if it is missing; return it with its digest."""

    @abc.abstractmethod
    def plan(self, spec: RunSpec) -> dict[str, Any]:
        """Describe the native request as plain data, secrets masked.

        Raises:
            SamerunError: the spec asks for something that this target cannot do.
        """

    def verify(self, spec: RunSpec) -> None:  # noqa: B027 - `plan` refuses most of what a target cannot do
        """Raise a SamerunError if the engine lacks something that `spec` names; changes nothing, takes at most 10 s."""

    @abc.abstractmethod
    def submit(self, spec: RunSpec, code: Bundle) -> None:
        """Start the launch. After this returns, the launch goes on by itself, even if our process ends."""

    @abc.abstractmethod
    def follow(self, launch: str) -> Iterator[bytes]:
        """Yield the log from its start and then as it grows, until the launch has ended."""

    @abc.abstractmethod
    def log(self, launch: str) -> Iterator[bytes]:
        """Yield the log up to now."""

    @abc.abstractmethod
    def outcome(self, launch: str) -> Outcome | None:
        """Read how the launch ended; None while it runs."""

    @abc.abstractmethod
    def launches(self) -> list[RunRecord]:
        """Read the records, as submitted, of all launches of this world that are not settled yet."""

    @abc.abstractmethod
    def cancel(self, launch: str, number: int) -> None:
        """Send signal `number` to the launch."""

    def log_copy(self, launch: str) -> Iterator[bytes] | None:
        """Yield the shim's own copy of the log if the engine's may differ from it; None if the two cannot differ."""
        del launch
        return None

    def left(self, launch: str, folder: Path) -> Left:
        """Find the code and outputs of an ended launch; what is not on this host is copied into `folder`."""
        del launch, folder
        return Left()

    def restart(self, launch: str) -> bool:
        """Restart a launch that died together with its shim; return whether that was done.

        It is not done where the engine restarts launches itself, or if the launch cannot be restarted.
        """
        del launch
        return False

    def end_rest(self, launch: str) -> None:  # noqa: B027 - a container's or a pod's end is the end of all in it
        """End the processes that outlived a killed shim."""

    @abc.abstractmethod
    def remove(self, launch: str) -> None:
        """Remove what the engine still holds of a settled launch, if anything."""

    def teardown(self) -> list[str]:
        """Remove what launches on this target share and the services do not own; return what was removed, in words."""
        return []


def mask(values: Mapping[str, str]) -> dict[str, str]:
    """Replace each of `values` by a mask."""
    return dict.fromkeys(values, MASK)


def outcome_from(report: Mapping[str, Any], **engine: Any) -> Outcome:
    """Merge the shim's report with what the engine knows; the report takes precedence.

    Args:
        report: the shim's report; empty if the shim died before it wrote one.
        engine: fields of an Outcome.
    """
    known = {key: report[key] for key in ("reason", "hint", "started_at", "ended_at") if key in report}
    if report:
        # A report without a reason means that the script ended well: the engine's reason must not remain.
        known = {"reason": "", "hint": "", **known, **causes.read(report)}
        known |= {"exit_code": report["exit_code"], "state": report["state"]}
    found = {"state": RunState.FAILED, "cause": Cause.NONE, **engine, **known}
    typed = {"state": RunState(found["state"]), "cause": Cause(found["cause"])}
    return Outcome(**{**found, **typed, "report": dict(report)})
