# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a training target is. One file beside this one for each; none imports another."""

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
    """Files of this host that belong to a launch.

    Attributes:
        code: the path of its bundle, if it was to be kept.
        outputs: name and path of each file that `training_outputs` names.
    """

    code: str = ""
    outputs: tuple[tuple[str, str], ...] = ()


Say = Callable[[str], None]


class Target(abc.ABC):
    """A place where a script runs.

    A target first describes its request as plain data (`plan`) and then only sends it (`submit`), so what check
    mode shows is what is sent. The world keeps the launches: `launches`, `outcome` and `log` read them from there.

    Args:
        world: the world whose services the script uses.
        say: takes one line for the person who watches.
    """

    NAME: ClassVar[str]
    VIEWPOINT: ClassVar[str]

    def __init__(self, world: World, say: Say = lambda _line: None) -> None:
        self.world = world
        self.say = say

    def viewpoint(self, network: str) -> str:
        """From where a run in `network` (`training_network`) sees addresses."""
        del network
        return self.VIEWPOINT

    def close(self) -> None:  # noqa: B027 - a target without connections has nothing to close
        """Close idle connections; the next call opens what it needs."""

    @property
    def patience(self) -> float:
        """For how many seconds the engine may be away while somebody waits for a launch."""
        return away.HERE

    @abc.abstractmethod
    def check(self) -> None:
        """Raise a SamerunError if nothing can run here now; changes nothing, within 10 s."""

    @abc.abstractmethod
    def environment(self, request: EnvironmentRequest) -> Environment:
        """The environment that `request` describes, without making it."""

    @abc.abstractmethod
    def prepare(self, request: EnvironmentRequest, environment: Environment) -> Environment:
        """Make `environment` where it is missing, and return it with its digest."""

    @abc.abstractmethod
    def plan(self, spec: RunSpec) -> dict[str, Any]:
        """The native request as plain data, secrets masked.

        Raises:
            SamerunError: the spec asks for what this target cannot do.
        """

    def look(self, spec: RunSpec) -> None:  # noqa: B027 - most of what a target cannot do, its plan refuses
        """Raise a SamerunError for what `spec` names and the engine does not have; changes nothing, within 10 s."""

    @abc.abstractmethod
    def submit(self, spec: RunSpec, code: Bundle) -> None:
        """Start the launch; when this returns it needs nobody any more."""

    @abc.abstractmethod
    def follow(self, launch: str) -> Iterator[bytes]:
        """The log from its start, as it comes, until the launch has ended."""

    @abc.abstractmethod
    def log(self, launch: str) -> Iterator[bytes]:
        """What there is of the log by now."""

    @abc.abstractmethod
    def outcome(self, launch: str) -> Outcome | None:
        """How the launch ended, or None while it goes on."""

    @abc.abstractmethod
    def launches(self) -> list[RunRecord]:
        """The records, as submitted, of all launches of this world that were not collected."""

    @abc.abstractmethod
    def cancel(self, launch: str, number: int) -> None:
        """Pass signal `number` to the launch."""

    def log_copy(self, launch: str) -> Iterator[bytes] | None:
        """The shim's own copy of the log where the engine keeps one that may differ, else None."""
        del launch
        return None

    def left(self, launch: str, folder: Path) -> Left:
        """What a launch that has ended left of what it was to keep; copies go below `folder`."""
        del launch, folder
        return Left()

    def restart(self, launch: str) -> bool:
        """Start a launch again that died with its shim; False where the engine does so itself, or nobody can."""
        del launch
        return False

    def end_rest(self, launch: str) -> None:  # noqa: B027 - a container's or a pod's end is the end of all in it
        """End what outlived a shim that was killed."""

    @abc.abstractmethod
    def remove(self, launch: str) -> None:
        """Remove what a collected launch left in the engine; nothing where there is nothing."""

    def teardown(self) -> list[str]:
        """Remove what launches share here and the world's services do not; return what went, in words."""
        return []


def mask(values: Mapping[str, str]) -> dict[str, str]:
    """The names of `values` with nothing of their values."""
    return dict.fromkeys(values, MASK)


def outcome_from(report: Mapping[str, Any], **engine: Any) -> Outcome:
    """Join the shim's report with what the engine knows; the shim knows better, where it lived to tell."""
    known = {key: report[key] for key in ("reason", "hint", "started_at", "ended_at") if key in report}
    if report:
        # A script that ended well needs no reason, whatever the engine would say of a container without a report.
        known = {"reason": "", "hint": "", **known, **causes.read(report)}
        known |= {"exit_code": report["exit_code"], "state": report["state"]}
    found = {"state": RunState.FAILED, "cause": Cause.NONE, **engine, **known}
    typed = {"state": RunState(found["state"]), "cause": Cause(found["cause"])}
    return Outcome(**{**found, **typed, "report": dict(report)})
