# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run inherits of the environment of whoever starts it."""

from __future__ import annotations

import json
from collections.abc import Mapping

# What a caller's shell may hold and a run must never inherit.
FOREIGN_PREFIXES = ("AWS_", "MLFLOW_", "PYTHON")
FOREIGN_NAMES = ("VIRTUAL_ENV",)

# What the program that started the play has set for it: a JSON object of variable to the caller's own value or null.
CALLER = "SAMERUN_CALLER"


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would leak their credentials, servers or Python into a run."""
    callers = {**environ, **json.loads(environ.get(CALLER, "{}")), CALLER: None}
    return {
        name: value
        for name, value in callers.items()
        if value is not None and not name.startswith(FOREIGN_PREFIXES) and name not in FOREIGN_NAMES
    }
