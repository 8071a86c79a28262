# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names by which the shim, its script and the controller know a launch."""

from __future__ import annotations

LAUNCH = "SAMERUN_LAUNCH"  # by it a process is known as part of a launch, whoever its parent is
CANCELLED = "cancelled"  # beside the log: a signal, noted by who sends it
RUN_CONTEXT = "MLFLOW_RUN_CONTEXT"
RUN_ID = "MLFLOW_RUN_ID"
