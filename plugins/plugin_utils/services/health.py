# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a service is probed for readiness: declared once, and translated into the health check of each engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError


def said(code: int, output: bytes) -> str:
    """Say from the exit code and output of its health command why a service is not ready; empty if it is."""
    lines = output.decode(errors="replace").strip().splitlines()
    return f"its check ends with {code}: {lines[-1] if lines else 'it says nothing'}" if code else ""


@dataclass(frozen=True)
class Health:
    """The health check of a service.

    This host and a kubelet, which probe from outside, use `http` or `tcp` if one is set, else `command`. The health
    check of a container uses `command`.

    Attributes:
        http: a path that answers once the service is ready.
        port: the name of the port that `http` is sent to; empty for the first port.
        tcp: the name of a port that accepts connections once the service is ready.
        command: a command that exits with 0 once the service is ready. It runs where the service runs.
    """

    http: str = ""
    port: str = ""
    tcp: str = ""
    command: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, given: Mapping[str, Any], service: str) -> Health:
        """Read the `health` of a service's data file.

        Raises:
            SamerunError: it has none of `http`, `tcp` and `command`, or both `http` and `tcp`.
        """
        found = cls(**{**given, "command": tuple(str(part) for part in given.get("command", ()))})
        if bool(found.http) + bool(found.tcp) > 1 or not (found.http or found.tcp or found.command):
            raise SamerunError(
                f"Failed to read the health of {service}: it is neither http nor tcp nor command.",
                "Write one of {http: /path}, {tcp: PORT_NAME} and {command: [program, argument]}.",
                CONFIG,
            )
        return found

    @property
    def asked_port(self) -> str:
        """The name of the port that is probed from outside; empty for the first port."""
        return self.tcp or self.port

    @property
    def asked(self) -> str:
        """What is probed from outside, as one text: part of the hash by which a changed service is recognised."""
        return f"tcp {self.tcp}" if self.tcp else f"{self.http} of {self.port}" if self.port else self.http
