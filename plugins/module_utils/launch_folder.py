# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names the files in a launch's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOCK = "follower.lock"


@dataclass(frozen=True)
class LaunchFolder:
    """The folder of one launch in a world's state folder; a target may keep more files there.

    Attributes:
        path: the path of the folder.
    """

    path: Path

    @property
    def record(self) -> Path:
        """The launch's record, once the launch is settled."""
        return self.path / "record.json"

    @property
    def submitted(self) -> Path:
        """The record as this host submitted it, until the launch is settled."""
        return self.path / "submitted.json"

    @property
    def log(self) -> Path:
        """The complete log."""
        return self.path / "log.txt"

    @property
    def log_part(self) -> Path:
        """The part of the log that the follower has so far."""
        return self.path / "log.part"

    @property
    def lock(self) -> Path:
        """The lock that the follower of the launch holds."""
        return self.path / LOCK

    @property
    def restarts(self) -> Path:
        """The number of restarts after the launch was lost together with its shim."""
        return self.path / "restarts.json"

    @property
    def imports(self) -> Path:
        """The imports that the launch tries, until its report has their result."""
        return self.path / "imports.json"

    @property
    def outputs(self) -> Path:
        """The folder of the files that `training_outputs` names, once they were copied back."""
        return self.path / "outputs"
