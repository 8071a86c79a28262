"""Reads from Ansible's output why it ended before it ran any task."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

_ERROR = "[ERROR]: "


class Trouble(Enum):
    """What Ansible could not do."""

    INVENTORY = auto()  # read the inventory
    PLAY = auto()  # anything else


def read(last: Sequence[str]) -> tuple[Trouble, str]:
    """Classify the last lines of Ansible's output; return the kind of trouble and the message as one line."""
    words = [line for line in last if line.startswith(_ERROR)] or list(last) or ["it says nothing."]
    said = " ".join(" ".join(words).split()).removeprefix(_ERROR)
    return Trouble.INVENTORY if "inventory" in said else Trouble.PLAY, said
