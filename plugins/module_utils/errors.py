# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only exception for users, and the exit codes of `samerun` that it can have."""

from __future__ import annotations

import os

USAGE = os.EX_USAGE  # 64: the command line is not valid
DATA = os.EX_DATAERR  # 65: a script, a value or a file is not usable
NO_INPUT = os.EX_NOINPUT  # 66: a file or an inventory does not exist
UNAVAILABLE = os.EX_UNAVAILABLE  # 69: an engine or a service does not answer
SOFTWARE = os.EX_SOFTWARE  # 70: a defect in samerun
CANNOT_CREATE = os.EX_CANTCREAT  # 73: an object of somebody else has the name or port
TEMPORARY = os.EX_TEMPFAIL  # 75: try again
NO_PERMISSION = os.EX_NOPERM  # 77: an engine or a store denies it
CONFIG = os.EX_CONFIG  # 78: a variable is missing or contradicts another

# The key of a task's result that has the exit code for `samerun`.
EXIT_KEY = "samerun_exit"


class SamerunError(Exception):
    """An error that the user can fix.

    Args:
        message: "Failed to <verb> <what>: <cause>."
        hint: what to do or type next; empty if nothing helps.
        code: the exit code of `samerun`, one of this file's constants.
    """

    def __init__(self, message: str, hint: str = "", code: int = CONFIG) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
