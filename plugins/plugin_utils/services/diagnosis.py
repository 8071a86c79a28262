# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the end of a service's log says of why it does not start, where waiting does not help."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COUNT = "SELECT count(*) FROM runs"
LINES = 60  # of a log that are looked at: a traceback is long


@dataclass(frozen=True)
class Diagnosis:
    """A cause in words, and what to do; `hopeless` unless it may pass by itself."""

    cause: str
    hint: str
    hopeless: bool = True


def of(log: str, data: str) -> Diagnosis | None:
    """What `log` tells; `data` is the folder of the service's data, as it sees it."""
    database = f"{data}/mlflow.db"
    if re.search(r"database disk image is malformed|file is not a database", log):
        return Diagnosis(
            f"its database {database} is corrupted",
            f"See how far: sqlite3 {database} 'PRAGMA integrity_check'. Put back a copy of it, or save what can be "
            f"read: sqlite3 {database} .recover | sqlite3 new.db; then: samerun up",
        )
    if found := re.search(r"out-of-date database schema \(found version (\w+), but expected (\w+)\)", log):
        return Diagnosis(
            f"its database {database} has the schema {found[1]} of another MLflow, and this one wants {found[2]}",
            "If a newer MLflow wrote it: set mlflow_version to that. If an older one did: copy it, then mlflow db "
            f"upgrade sqlite:///{database}",
        )
    if re.search(r"OperationalError\) (?:(?:table|index) \S+ already exists|duplicate column name)", log):
        return Diagnosis(
            f"its database {database} is half made: an MLflow was ended while it made or changed its tables",
            f"Does it hold runs? sqlite3 {database} '{_COUNT}' says how many. If so, put back a copy "
            f"of it; if not, move it away: mv {database} {database}.half, or remove all that this world keeps: "
            "samerun down --purge; then: samerun up",
        )
    # As uvicorn, SeaweedFS and MinIO say it.
    if re.search(r"(?i)address already in use|port \d+ for \w+ .*is not available|port is already in use", log):
        return Diagnosis(
            "another program has taken one of its ports since we looked",
            "Do the same again: samerun up; if it stays so, stop that program, or move ours by the variables that end "
            "in _port.",
            hopeless=False,
        )
    if "database is locked" in log:
        return Diagnosis(
            f"another process holds its database {database}",
            "Is another MLflow running on it? Stop that, then: samerun up",
            hopeless=False,
        )
    return None
