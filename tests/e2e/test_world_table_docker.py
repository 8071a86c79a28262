"""The users' world on a Docker host, row by row, as the engine itself describes it."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import machines
import pytest
import requests
import stacks
from tours import Tour, Tours, observe

pytestmark = pytest.mark.docker

HEALTHY = 90  # seconds: three looks, ten apart, after a start


@pytest.fixture
def tour(tours: Tours) -> Tour:
    return tours.of("docker")


def container(name: str) -> dict[str, Any]:
    found: dict[str, Any] = machines.docker_client().containers.get(name).attrs
    return found


def bindings(name: str) -> dict[str, list[tuple[str, str]]]:
    """Port inside to address and port outside, of those that are published."""
    ports = container(name)["NetworkSettings"]["Ports"]
    return {port: [(e["HostIp"], e["HostPort"]) for e in entries] for port, entries in ports.items() if entries}


def volume(name: str, place: str) -> dict[str, Any]:
    return next(mount for mount in container(name)["Mounts"] if mount["Destination"] == place)


def test_mlflow_is_a_container_on_port_5000_of_the_loopback(tour: Tour) -> None:
    assert bindings("mlflow") == {"5000/tcp": [("127.0.0.1", "5000")]}
    assert requests.get("http://localhost:5000/version", timeout=10).text == "3.17.2"


def test_mlflow_keeps_its_data_in_a_volume_at_mlflow_as_sqlite(tour: Tour) -> None:
    assert volume("mlflow", "/mlflow")["Name"] == "mlflow-data"
    command = container("mlflow")["Config"]["Cmd"]
    assert command[command.index("--backend-store-uri") + 1] == "sqlite:////mlflow/mlflow.db"
    stream, _about = machines.docker_client().containers.get("mlflow").get_archive("/mlflow/mlflow.db")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        database = archive.extractfile("mlflow.db")
        assert database is not None
        assert database.read(15) == b"SQLite format 3"


def test_mlflow_has_its_artifact_root_in_the_bucket(tour: Tour) -> None:
    found = tour.stack.mlflow("experiments/get-by-name?experiment_name=image-classification")["experiment"]
    assert found["artifact_location"] == f"s3://mlflow-artifacts/{found['experiment_id']}"


def test_object_store_is_a_container_on_ports_9000_and_9001_of_the_loopback(tour: Tour) -> None:
    assert bindings("minio") == {"9000/tcp": [("127.0.0.1", "9000")], "9001/tcp": [("127.0.0.1", "9001")]}
    assert "<title>MinIO Console</title>" in requests.get("http://localhost:9001", timeout=10).text


def test_object_store_keeps_its_data_on_the_host(tour: Tour) -> None:
    assert volume("minio", "/data")["Name"] == "minio-data"
    assert [bucket["Name"] for bucket in tour.stack.s3.list_buckets()["Buckets"]] == ["mlflow-artifacts"]


def test_training_is_a_container_of_the_trainer_image_with_each_variable(tour: Tour) -> None:
    config = tour.run["container"]["Config"]
    assert config["Image"].startswith("samerun/trainer:")
    assert {entry.partition("=")[0] for entry in config["Env"]} >= set(
        tour.stack.record(tour.launch)["contract"]["names"]
    )


def test_training_container_is_gone_once_it_is_collected(tour: Tour) -> None:
    names = [found.name for found in machines.docker_client().containers.list(all=True)]
    assert tour.run["container"]["Name"].removeprefix("/") not in names
    assert tour.stack.record(tour.launch)["state"] == "FINISHED"


def test_tracking_uri_is_localhost_from_the_host_and_the_name_between_containers(tour: Tour) -> None:
    assert tour.stack.contract["MLFLOW_TRACKING_URI"] == "http://localhost:5000"
    assert tour.stack.observed(tour.launch)["shown"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"


def test_s3_endpoint_is_localhost_from_the_host_and_the_name_between_containers(tour: Tour) -> None:
    assert tour.stack.contract["MLFLOW_S3_ENDPOINT_URL"] == "http://localhost:9000"
    assert tour.stack.observed(tour.launch)["shown"]["MLFLOW_S3_ENDPOINT_URL"] == "http://minio:9000"


def test_variables_come_as_environment_of_the_container(tour: Tour) -> None:
    environment = dict(entry.split("=", 1) for entry in tour.run["container"]["Config"]["Env"])
    assert environment["AWS_ACCESS_KEY_ID"] == tour.canaries["runs_access_key"]
    assert environment["AWS_SECRET_ACCESS_KEY"] == tour.canaries["runs_secret_key"]
    assert environment["OBSERVE_COLOUR"] == "blue"


@pytest.mark.parametrize("name", ["mlflow", "minio"])
def test_restart_policy_and_health_check(tour: Tour, name: str) -> None:
    assert container(name)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert container(name)["Config"]["Healthcheck"]["Test"][0] == "CMD"
    stacks.until(lambda: container(name)["State"]["Health"]["Status"] == "healthy", f"health of {name}", HEALTHY)


@pytest.mark.parametrize("name", ["mlflow", "minio"])
def test_restart_after_its_process_ended(tour: Tour, name: str) -> None:
    before = container(name)["RestartCount"]
    # From inside: what docker itself kills counts as stopped by hand.
    machines.docker_client().containers.get(name).exec_run(["sh", "-c", "kill -TERM 1"], user="root")
    stacks.until(lambda: container(name)["RestartCount"] > before, f"a restart of {name}")
    url = {"mlflow": "http://localhost:5000/health", "minio": "http://localhost:9000/minio/health/live"}[name]
    stacks.until(lambda: stacks.answers(url), f"an answer of {name}")


def test_data_survives_down_and_up(tour: Tour) -> None:
    runs = tour.stack.runs()
    tour.stack.play("teardown").succeeded()
    assert not {"container mlflow", "container minio"} & set(stacks.in_the_way("docker"))
    tour.stack.play("services").succeeded()
    assert runs
    assert tour.stack.runs() == runs
    launch = next(run for run in runs.values() if run["name"] == "resnet50-exp1")
    assert tour.stack.keys(launch["artifacts"].rsplit("/", 2)[0])


def test_files_of_the_training_lie_in_a_folder_of_the_host(tour: Tour) -> None:
    mount = next(mount for mount in tour.run["container"]["Mounts"] if mount["Destination"] == "/data")
    assert (mount["Type"], mount["Source"]) == ("bind", str(tour.stack.folder / "data"))
    before = (tour.stack.folder / "data" / "visits.txt").read_text().splitlines()
    launch = observe(tour.stack).launch
    assert tour.stack.observed(launch)["visits"] == len(before) > 0


def test_network_is_one_of_our_own(tour: Tour) -> None:
    for attributes in (tour.run["container"], container("mlflow"), container("minio")):
        assert set(attributes["NetworkSettings"]["Networks"]) == {"samerun"}


def test_network_may_be_the_host(tour: Tour) -> None:
    launch = observe(tour.stack, training_network="host").launch
    shown = tour.stack.observed(launch)["shown"]
    assert shown["MLFLOW_TRACKING_URI"] == "http://localhost:5000"
    assert shown["MLFLOW_S3_ENDPOINT_URL"] == "http://localhost:9000"


def test_resources_are_limits_of_cpu_and_memory(tour: Tour) -> None:
    for name in ("mlflow", "minio"):
        limits = container(name)["HostConfig"]
        assert (limits["NanoCpus"], limits["Memory"]) == (2 * 10**9, 2 * 2**30)
    limits = tour.run["container"]["HostConfig"]
    assert (limits["NanoCpus"], limits["Memory"]) == (5 * 10**8, 2**30)


def test_logs_are_gathered_beside_the_record(tour: Tour) -> None:
    # Its container is gone; what it said is not.
    assert "observed {" in tour.stack.log(tour.launch)
    trained = next(launch for launch in tour.stack.launches if launch.startswith("train-"))
    assert "epoch 5/5: train_loss" in tour.stack.log(trained)


def test_day_to_day_work_is_edit_run_and_look_without_an_image_build(tour: Tour) -> None:
    tour.stack.play("services").succeeded()
    images = {image.id for image in machines.docker_client().images.list()}
    script = tour.stack.folder / "project" / "edited.py"
    for words in ("before the edit", "after the edit"):
        script.write_text(f"import mlflow\nmlflow.set_experiment('edited')\nmlflow.log_param('words', {words!r})\n")
        record = tour.stack.train(script)
        assert record["mlflow_runs"][0]["params"] == {"words": words}
        assert requests.get(record["mlflow_runs"][0]["url"], timeout=10).ok
    assert {image.id for image in machines.docker_client().images.list()} == images
