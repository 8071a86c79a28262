# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Selects the environment variables that a run inherits from the program that starts it."""

from __future__ import annotations

import json
from collections.abc import Mapping

# Prefixes of variables that the user's shell may have, but a run must never inherit.
FOREIGN_PREFIXES = ("AWS_", "MLFLOW_", "PYTHON")
FOREIGN_NAMES = ("VIRTUAL_ENV",)

# Names the variables that the program which started the play has set for it: a JSON object that maps each variable to
# its original value, or null.
CALLER = "SAMERUN_CALLER"


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment without variables that pass on credentials, servers or Python settings."""
    callers = {**environ, **json.loads(environ.get(CALLER, "{}")), CALLER: None}
    return {
        name: value
        for name, value in callers.items()
        if value is not None and not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
    }
