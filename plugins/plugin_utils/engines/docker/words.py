# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Maps the error messages of a Docker engine to causes; the messages differ by version, the causes do not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from ansible_collections.samerun.stack.plugins.module_utils.errors import (
    CANNOT_CREATE,
    CONFIG,
    NO_PERMISSION,
    UNAVAILABLE,
    SamerunError,
)


@dataclass(frozen=True)
class Cause:
    """A cause for which an engine refuses a request.

    Attributes:
        words: in lower case; a message that contains any of them means this cause.
        text: the cause in our words; empty where the engine's own words are best.
    """

    words: tuple[str, ...]
    text: str
    hint: str
    code: int = UNAVAILABLE

    def means(self, words: str) -> bool:
        """Whether the engine's message `words` means this cause."""
        return any(part in words.lower() for part in self.words)


FULL_DISK = Cause(
    ("no space left", "disk quota exceeded"),
    "the engine's disk is full",
    "Free disk: docker system df, docker image prune.",
)
ARCHITECTURE = Cause(
    ("no matching manifest", "exec format error", "does not match the specified platform", "image operating system"),
    "the image is for another processor or system",
    "Name one for the engine's platform (docker version tells it), or build it there.",
    CONFIG,
)
UNREACHABLE = Cause(
    (
        "no such host", "server misbehaving", "temporary failure in name resolution", "dial tcp", "i/o timeout",
        "client.timeout", "tls handshake timeout", "network is unreachable", "connection refused", "connection reset",
        "no route to host", "http response to https client",
    ),
    "the engine does not reach the registry",
    "Is the registry's name right, and is the network up? docker pull IMAGE tells.",
)  # fmt: skip
DENIED = Cause(
    ("unauthorized", "authentication required", "no basic auth credentials", "access forbidden", "denied:"),
    "the registry wants to know who asks",
    "Log in there: docker login REGISTRY.",
    NO_PERMISSION,
)
# A registry may hide private images: its "denied" then means "not found, or not for you".
NOT_FOUND = Cause(
    (
        "no such image",
        "manifest unknown",
        "pull access denied",
        "repository does not exist",
        "manifest for",
        "not found: ",
    ),
    "there is no such image",
    "Is its name right? If it is private: docker login REGISTRY.",
)
# The order counts: a message may contain words of several causes; the first is the most specific.
CAUSES = (
    FULL_DISK,
    ARCHITECTURE,
    NOT_FOUND,
    UNREACHABLE,
    DENIED,
    Cause(
        ("could not select device driver",),
        "the engine has no GPU to give",
        "Install NVIDIA's container toolkit on its host, or unset gpu in training_resources.",
        CONFIG,
    ),
    Cause(
        ("port is already allocated", "address already in use"),
        "a port is taken",
        "Another program holds it: move ours by mlflow_port, object_store_port or object_store_console_port.",
        CANNOT_CREATE,
    ),
    Cause(
        ("cannot assign requested address",),
        "the engine's host has no such address",
        "Set samerun_bind to an address of that host.",
        CONFIG,
    ),
    Cause(
        ("executable file not found", "no such file or directory: unknown", "permission denied: unknown"),
        "the image has no such interpreter",
        "Does training_python name an interpreter of the image?",
        CONFIG,
    ),
    Cause(("bind source path does not exist",), "", "training_volumes names a folder that its host lacks.", CONFIG),
    Cause(("memory limit allowed", "memory reservation"), "", "Raise training_resources.memory.", CONFIG),
    Cause(("range of cpus",), "", "Lower training_resources.cpu.", CONFIG),
)


class RefusalError(SamerunError):
    """The engine refused a request.

    Args:
        cause: None if it is not a known one.
    """

    def __init__(self, message: str, hint: str, code: int, cause: Cause | None) -> None:
        super().__init__(message, hint, code)
        self.cause = cause


class Away(Enum):
    """Why an engine cannot be reached."""

    FORBIDDEN = auto()  # this user may not use its socket
    SILENT = auto()  # it accepts a connection but does not answer
    NO_ADDRESS = auto()  # the address has no form that Docker knows
    ABSENT = auto()  # nothing answers


# Words in the errors of the client library and the system, tried in this order.
_AWAY = (
    (("Permission denied", "PermissionError"), Away.FORBIDDEN),
    (("timed out",), Away.SILENT),
    (("Invalid", "scheme"), Away.NO_ADDRESS),
)


def away(words: str) -> Away:
    """Return the cause that the error `words` of a failed first call mean."""
    return next((one for parts, one in _AWAY if any(part in words for part in parts)), Away.ABSENT)


def cause(words: str) -> Cause | None:
    """Return the cause that the engine's message `words` means; None if it is not a known one."""
    return next((one for one in CAUSES if one.means(words)), None)


def refusal(what: str, words: str, hint: str = "") -> RefusalError:
    """Return the error "Failed to <what>: <cause>" with the engine's own words; `hint` serves unknown causes."""
    words = " ".join(words.split()).rstrip(".")
    found = cause(words)
    if found is None:
        return RefusalError(f"Failed to {what}: the engine says: {words}.", hint, UNAVAILABLE, None)
    said = f"{found.text} (the engine says: {words})" if found.text else f"the engine says: {words}"
    return RefusalError(f"Failed to {what}: {said}.", found.hint, found.code, found)
