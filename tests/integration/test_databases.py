"""A database that MLflow cannot use is told in one line, within seconds, and mended by what the line says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable

import machines
import pytest
import worlds
from watches import Watch

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images

SECONDS = 60.0
# What a program with the database as `db` does to it; `kept` is a copy beside it.
KEEP = "kept.write_bytes(db.read_bytes())"
RESTORE = "db.write_bytes(kept.read_bytes())"
FORGET = "kept.unlink()"
CORRUPT = "db.write_bytes(bytes(range(256)) * 256)"
OTHER = """
with sqlite3.connect(db) as connection:
    connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
connection.close()
"""
HALF = """
with sqlite3.connect(db) as connection:
    connection.execute("DROP TABLE label_schemas")
    connection.execute("UPDATE alembic_version SET version_num = 'acf3f17fdcc7'")
connection.close()
"""
PROGRAM = """
import hashlib, pathlib, sqlite3
db = pathlib.Path({path!r})
kept = db.with_suffix(".kept")
{what}
print(hashlib.sha256(db.read_bytes()).hexdigest())
"""


def on_this_host(real: worlds.RealWorld, what: str) -> str:
    program = PROGRAM.format(path=path_of(real), what=what)
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def in_the_volume(real: worlds.RealWorld, what: str) -> str:
    volume = {f"{real.world.mlflow.name}-data": {"bind": "/mlflow"}}
    command = ["python3", "-c", PROGRAM.format(path=path_of(real), what=what)]
    run = machines.docker_client().containers.run
    return str(run(images.BASE_IMAGE, command, volumes=volume, user="0", remove=True).decode())


# How a database is spoiled, and what is told; the same words of a log mean the same on every target.
SPOILED = {"docker": {CORRUPT: "is corrupted", OTHER: "has the schema ffffffffffff of another"}}
SPOILED["process"] = {**SPOILED["docker"], HALF: "is half made"}
DO: dict[str, Callable[[worlds.RealWorld, str], str]] = {"process": on_this_host, "docker": in_the_volume}


def path_of(real: worlds.RealWorld) -> str:
    """The database, as the server sees it."""
    own = real.world.state / "services" / "mlflow" / "data" / "mlflow.db"
    return str(own) if real.target == "process" else "/mlflow/mlflow.db"


@pytest.mark.parametrize("real", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in DO], indirect=True)
def test_a_database_that_cannot_be_used_is_told_and_left_as_it_is(real: worlds.RealWorld) -> None:
    do = DO[real.target]
    assert real.play("samerun.stack.teardown").code == 0
    do(real, KEEP)
    told = {}
    for spoil, cause in SPOILED[real.target].items():
        do(real, RESTORE)
        before, watch = do(real, spoil), Watch()
        played = real.play("samerun.stack.services")
        start = f"Failed to start {real.world.mlflow.name}: its database {path_of(real)} {cause}"
        told[cause] = (
            played.code != 0,
            start in " ".join(played.text.split()),
            do(real, "") == before,
            watch.within(SECONDS),
        )
    do(real, RESTORE)
    mended = real.play("samerun.stack.services")
    do(real, FORGET)
    assert told == dict.fromkeys(told, (True, True, True, True)), told
    assert mended.code == 0, mended.text


@pytest.mark.process
@pytest.mark.parametrize("real", ["process"], indirect=True)
def test_a_database_that_another_process_holds_is_told_and_used_once_it_is_free(real: worlds.RealWorld) -> None:
    assert real.play("samerun.stack.teardown").code == 0
    other = sqlite3.connect(path_of(real), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        watch = Watch()
        held = real.play("samerun.stack.services")
        assert watch.within(SECONDS)
    finally:
        other.execute("ROLLBACK")
        other.close()
    free = real.play("samerun.stack.services")
    line = f"Failed to start {real.world.mlflow.name}: another process holds its database {path_of(real)}."
    assert held.code
    assert line in " ".join(held.text.split())
    assert free.code == 0, free.text
