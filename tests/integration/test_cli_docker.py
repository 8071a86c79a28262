"""The command on a Docker host: services in containers, a training in one or beside them on the host."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
import worlds
from typed import Place

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(worlds.missing("docker")), reason=worlds.missing("docker") or "-"),
]

OPENS_A_RUN = """\
import os
import mlflow
mlflow.set_experiment("cli")
mlflow.start_run()
mlflow.log_param("tracking", os.environ["MLFLOW_TRACKING_URI"])
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A folder whose samerun.yml gives the world's containers, ports and network names of the tests' own."""
    found = Place(tmp_path_factory.mktemp("folder"), tmp_path_factory.mktemp("state"), ("-i", "local"))
    names = {
        "samerun_world": "cli-docker", "samerun_network": "samerun-cli",
        "mlflow_name": "mlflow-cli", "mlflow_port": 5310,
        "object_store_name": "minio-cli", "object_store_port": 9310, "object_store_console_port": 9311,
    }  # fmt: skip
    found.write("samerun.yml", json.dumps({**worlds.VARIABLES["docker"], **names}))
    try:
        yield found
    finally:
        found.must("down", "--purge", "--yes")


def test_up_tells_all_pages_and_the_commands_of_this_world(place: Place) -> None:
    shown = dict(line.rsplit("  ", 1) for line in place.must("up").text.splitlines() if "://" in line)
    pages = {name.strip(): url for name, url in shown.items()}
    assert pages == {
        "MLflow": "http://localhost:5310", "S3 store": "http://localhost:9310", "S3 console": "http://localhost:9311",
    }  # fmt: skip
    with urllib.request.urlopen(pages["S3 console"]) as answer:
        assert answer.status == 200
    again = place.must("up")
    assert "samerun -i local train train.py" in again.text
    assert "samerun -i local down" in again.text


def test_a_training_on_the_host_uses_the_services_in_docker(place: Place) -> None:
    ended = place.must("train", "--on", "process", place.write("opens.py", OPENS_A_RUN))
    launch = place.status()["launches"][0]
    with open(launch["record"]) as file:
        record = json.load(file)
    assert record["target"] == "process"
    (run,) = record["mlflow_runs"]
    assert run["params"] == {"tracking": "http://localhost:5310"}
    assert run["url"] in ended.err


def test_other_mixtures_are_refused_with_the_reason(place: Place) -> None:
    place.write("opens.py", OPENS_A_RUN)
    ended = place.run("train", "--on", "kubernetes", "opens.py")
    assert ended.code == 78
    (line,) = [line for line in ended.err.splitlines() if line.startswith("samerun: Failed")]
    assert "docker world are not reachable" in line
    assert "training_target" in line


def test_status_and_env_are_those_of_this_host(place: Place) -> None:
    found = place.status()
    assert found["target"] == "docker"
    assert {s["name"]: (s["state"], s["url"]) for s in found["services"]} == {
        "mlflow-cli": ("running", "http://localhost:5310"),
        "minio-cli": ("running", "http://localhost:9310"),
    }
    assert "http://localhost:5310" in json.loads(place.must("env", "--json").out).values()


def test_no_engine_is_one_line(place: Place) -> None:
    there = Place(place.folder, place.state, place.inventory, {"DOCKER_HOST": "unix:///nonexistent.sock"})
    for verb in ("up", "status", "down"):
        ended = there.run(verb)
        assert ended.code == 69
        (line,) = [line for line in ended.err.splitlines() if line.startswith("samerun: Failed")]
        assert "unix:///nonexistent.sock" in line
