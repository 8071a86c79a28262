# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Docker engine says when it refuses, told apart; its own words differ by version, these do not."""

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
    """Why the engine refused.

    Attributes:
        words: any of them, in lower case, in what the engine says means this cause.
        text: the cause in our words; empty where the engine's say it best.
    """

    words: tuple[str, ...]
    text: str
    hint: str
    code: int = UNAVAILABLE

    def means(self, words: str) -> bool:
        """Whether `words` of an engine say this."""
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
# A registry that hides what it does not show to all says "denied" and means "not found or not for you".
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
# In this order: a message may hold words of several, and the first says most.
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
    """What the engine refused.

    Args:
        cause: why, where that is known.
    """

    def __init__(self, message: str, hint: str, code: int, cause: Cause | None) -> None:
        super().__init__(message, hint, code)
        self.cause = cause


class Away(Enum):
    """Why nobody talks to an engine."""

    FORBIDDEN = auto()  # its socket is not for us
    SILENT = auto()  # it takes a connection and says nothing
    NO_ADDRESS = auto()  # its address is not one of Docker's
    ABSENT = auto()  # nothing answers


# As the client library and the system say it, in this order.
_AWAY = (
    (("Permission denied", "PermissionError"), Away.FORBIDDEN),
    (("timed out",), Away.SILENT),
    (("Invalid", "scheme"), Away.NO_ADDRESS),
)


def away(words: str) -> Away:
    """What `words` of a failed first call mean."""
    return next((one for parts, one in _AWAY if any(part in words for part in parts)), Away.ABSENT)


def cause(words: str) -> Cause | None:
    """The cause that `words` of an engine mean, if it is a known one."""
    return next((one for one in CAUSES if one.means(words)), None)


def refusal(what: str, words: str, hint: str = "") -> RefusalError:
    """ "Failed to <what>: <cause>", with the engine's own words; `hint` is for causes that are not known."""
    words = " ".join(words.split()).rstrip(".")
    found = cause(words)
    if found is None:
        return RefusalError(f"Failed to {what}: the engine says: {words}.", hint, UNAVAILABLE, None)
    said = f"{found.text} (the engine says: {words})" if found.text else f"the engine says: {words}"
    return RefusalError(f"Failed to {what}: {said}.", found.hint, found.code, found)
