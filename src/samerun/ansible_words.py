"""What Ansible prints where it plays nothing, told apart."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

_ERROR = "[ERROR]: "


class Trouble(Enum):
    """What Ansible could not do."""

    INVENTORY = auto()  # read the inventory
    PLAY = auto()  # anything else


def read(last: Sequence[str]) -> tuple[Trouble, str]:
    """What the last lines of its output mean, and the words of them that say so, in one line."""
    words = [line for line in last if line.startswith(_ERROR)] or list(last) or ["it says nothing."]
    said = " ".join(" ".join(words).split()).removeprefix(_ERROR)
    return Trouble.INVENTORY if "inventory" in said else Trouble.PLAY, said
