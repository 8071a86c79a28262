"""A database that MLflow cannot use is told in one line, within seconds, and mended by what the line says."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path

import pytest
import worlds


def corrupted(database: Path) -> None:
    database.write_bytes(bytes(range(256)) * 256)


def of_another_version(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    connection.close()


@pytest.mark.process
@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_a_database_that_cannot_be_used_is_told_and_left_as_it_is(real: worlds.RealWorld, tmp_path: Path) -> None:
    database = real.world.state / "services" / "mlflow" / "data" / "mlflow.db"
    assert real.play("samerun.stack.teardown").code == 0
    shutil.copy(database, tmp_path)
    told = {}
    for spoil, cause in ((corrupted, "is corrupted"), (of_another_version, "has the schema ffffffffffff of another")):
        shutil.copy(tmp_path / "mlflow.db", database)
        spoil(database)
        before, started = database.read_bytes(), time.monotonic()
        played = real.play("samerun.stack.services")
        told[cause] = (
            played.code != 0,
            f"Failed to start mlflow: its database {database} {cause}" in " ".join(played.text.split()),
            database.read_bytes() == before,
            time.monotonic() - started < 60,
        )
    shutil.copy(tmp_path / "mlflow.db", database)
    mended = real.play("samerun.stack.services")
    assert told == dict.fromkeys(told, (True, True, True, True)), told
    assert mended.code == 0, mended.text
