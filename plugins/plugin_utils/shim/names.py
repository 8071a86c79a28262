# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of variables and files that the shim, the script and the controller share."""

from __future__ import annotations

LAUNCH = "SAMERUN_LAUNCH"  # variable that marks every process of a launch, whatever its parent is
CANCELLED = "cancelled"  # file beside the log: the sender of a signal notes it there
RUN_CONTEXT = "MLFLOW_RUN_CONTEXT"
RUN_ID = "MLFLOW_RUN_ID"
