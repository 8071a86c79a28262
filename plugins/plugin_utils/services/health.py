# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a service is asked whether it is ready: one statement, of which each engine's own check follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError


def said(code: int, output: bytes) -> str:
    """Why a service is not ready, of how its check ended; empty where it is."""
    lines = output.decode(errors="replace").strip().splitlines()
    return f"its check ends with {code}: {lines[-1] if lines else 'it says nothing'}" if code else ""


@dataclass(frozen=True)
class Health:
    """Who asks from outside, as this host and a kubelet do, asks `http` or `tcp` where one is said, else `command`.

    Attributes:
        http: a path that answers once the service is ready.
        port: the name of the port that answers it; empty for the first one.
        tcp: the name of a port that takes connections once the service is ready.
        command: what ends with 0 once it is ready. It runs where the service runs; a container looks at itself by it.
    """

    http: str = ""
    port: str = ""
    tcp: str = ""
    command: tuple[str, ...] = ()

    @classmethod
    def from_options(cls, given: Mapping[str, Any], service: str) -> Health:
        """Read the `health` of a service's data file.

        Raises:
            SamerunError: it says nothing, or two things at once.
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
        """The name of the port that is asked from outside; empty for the first one."""
        return self.tcp or self.port

    @property
    def asked(self) -> str:
        """What is asked from outside, in a word: part of the hash by which a changed service is known."""
        return f"tcp {self.tcp}" if self.tcp else f"{self.http} of {self.port}" if self.port else self.http
