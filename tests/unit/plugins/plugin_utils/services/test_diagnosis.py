from __future__ import annotations

import pytest
import rendering

from ansible_collections.samerun.stack.plugins.plugin_utils.services import diagnosis

MLFLOW = [diagnosis.Diagnosis(**row) for row in rendering.declaration("mlflow")["diagnoses"]]
# As MLflow 3.17.2 says them.
SAID = {
    "sqlalchemy.exc.DatabaseError: (sqlite3.DatabaseError) file is not a database": ("corrupted", "integrity_check"),
    "(sqlite3.DatabaseError) database disk image is malformed\n[SQL: SELECT name": ("corrupted", ".recover"),
    "Detected out-of-date database schema (found version ffffffffffff, but expected dc11669786a5). Take a backup": (
        "schema ffffffffffff of another MLflow, and this one wants dc11669786a5",
        "mlflow_version",
    ),
    "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) table trace_info already exists\n[SQL:": (
        "is half made",
        "SELECT count(*) FROM runs",
    ),
    "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) duplicate column name: storage_location": (
        "is half made",
        "mv /mlflow/mlflow.db /mlflow/mlflow.db.half",
    ),
}


@pytest.mark.parametrize("line", SAID)
def test_what_waiting_does_not_mend_is_told_with_what_does(line: str) -> None:
    found = diagnosis.of(f"Traceback:\n  File x\n{line}\n(Background on this error at", MLFLOW, "/mlflow")
    assert found
    cause, hint = SAID[line]
    assert cause in found.cause
    assert "/mlflow/mlflow.db" in found.cause
    assert hint in found.hint
    assert not found.passes
    assert "\n" not in found.cause + found.hint


def test_a_lock_may_go_by_itself() -> None:
    found = diagnosis.of("sqlite3.OperationalError: database is locked", MLFLOW, "/mlflow")
    assert found
    assert found.passes


@pytest.mark.parametrize("log", ["", "INFO: Started server process", "OSError: no space left on device"])
def test_what_is_not_known_is_not_guessed(log: str) -> None:
    assert diagnosis.of(log, MLFLOW, "/mlflow") is None


@pytest.mark.parametrize(
    "line",
    [
        "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 5001): address already in use",
        "Port allocation failed: port 9004 for Master (specified by flag master.port) is not available on 127.0.0.1",
        "FATAL Unable to start the server: Specified port is already in use",
    ],
)
def test_a_port_that_was_taken_meanwhile_is_told(line: str) -> None:
    found = diagnosis.of(line, (), "/data")
    assert found
    assert "has taken one of its ports" in found.cause
    assert "_port" in found.hint
    assert found.passes
