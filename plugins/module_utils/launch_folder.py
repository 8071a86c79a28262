# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the files in a launch's folder are called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOCK = "follower.lock"


@dataclass(frozen=True)
class LaunchFolder:
    """The folder of one launch in a world's state folder; a target may keep more files there.

    Attributes:
        path: of the folder itself.
    """

    path: Path

    @property
    def record(self) -> Path:
        """The record of a launch that was settled."""
        return self.path / "record.json"

    @property
    def submitted(self) -> Path:
        """The record as it was submitted here, until the launch is settled."""
        return self.path / "submitted.json"

    @property
    def log(self) -> Path:
        """The whole log."""
        return self.path / "log.txt"

    @property
    def log_part(self) -> Path:
        """What a follower has of the log so far."""
        return self.path / "log.part"

    @property
    def lock(self) -> Path:
        """Held by whoever follows the launch."""
        return self.path / LOCK

    @property
    def restarts(self) -> Path:
        """How often the launch was started again after it was lost with its shim."""
        return self.path / "restarts.json"

    @property
    def imports(self) -> Path:
        """The imports that the launch tries, until it has told what came of them."""
        return self.path / "imports.json"

    @property
    def outputs(self) -> Path:
        """The files that `training_outputs` names, once they have come back."""
        return self.path / "outputs"
