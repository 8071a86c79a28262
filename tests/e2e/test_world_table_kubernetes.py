"""The users' world on Kubernetes, row by row, as the API server itself describes it."""

from __future__ import annotations

import base64
from typing import Any

import machines
import pytest
import requests
import stacks
from tours import CLAIM, Tour, Tours, observe

pytestmark = pytest.mark.kubernetes

PLACES = {"mlflow": "monitoring", "minio": "storage"}
URLS = {"mlflow": "http://localhost:30500/health", "minio": "http://localhost:30900/minio/health/live"}


@pytest.fixture
def tour(tours: Tours) -> Tour:
    return tours.of("kubernetes")


def core(kind: str, namespace: str, name: str) -> Any:
    return machines.cluster().get(f"/api/v1/namespaces/{namespace}/{kind}/{name}")


def deployment(name: str) -> Any:
    return machines.cluster().get(f"/apis/apps/v1/namespaces/{PLACES[name]}/deployments/{name}")


def pod_spec(name: str) -> Any:
    return deployment(name)["spec"]["template"]["spec"]


def container(name: str) -> Any:
    return pod_spec(name)["containers"][0]


def pods(name: str) -> list[Any]:
    return machines.cluster().items(f"/api/v1/namespaces/{PLACES[name]}/pods")


def claim_at(spec: Any, place: str) -> str:
    """The claim that is mounted at `place`."""
    mounts = {mount["mountPath"]: mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    return str(volumes[mounts[place]]["persistentVolumeClaim"]["claimName"])


def test_mlflow_is_a_deployment_and_service_in_monitoring(tour: Tour) -> None:
    assert deployment("mlflow")["status"]["readyReplicas"] == 1
    assert core("services", "monitoring", "mlflow")["spec"]["ports"][0]["port"] == 5000


def test_mlflow_keeps_its_data_on_the_claim_mlflow_pvc_at_mlflow_as_sqlite(tour: Tour) -> None:
    assert core("persistentvolumeclaims", "monitoring", "mlflow-pvc")["status"]["phase"] == "Bound"
    assert claim_at(pod_spec("mlflow"), "/mlflow") == "mlflow-pvc"
    command = container("mlflow")["command"]
    assert command[command.index("--backend-store-uri") + 1] == "sqlite:////mlflow/mlflow.db"


def test_mlflow_has_its_artifact_root_in_the_bucket(tour: Tour) -> None:
    found = tour.stack.mlflow("experiments/get-by-name?experiment_name=image-classification")["experiment"]
    assert found["artifact_location"] == f"s3://mlflow-artifacts/{found['experiment_id']}"


def test_object_store_is_a_deployment_and_service_in_storage_with_a_claim(tour: Tour) -> None:
    assert deployment("minio")["status"]["readyReplicas"] == 1
    ports = {port["name"]: port["port"] for port in core("services", "storage", "minio")["spec"]["ports"]}
    assert ports == {"s3": 9000, "console": 9001}
    claim = claim_at(pod_spec("minio"), "/data")
    assert core("persistentvolumeclaims", "storage", claim)["status"]["phase"] == "Bound"


def test_training_is_a_job_in_training_named_after_its_run(tour: Tour) -> None:
    job = tour.run["job"]["metadata"]
    assert (job["namespace"], job["name"]) == ("training", f"training-job-{tour.launch}")


def test_training_job_is_gone_once_it_is_collected(tour: Tour) -> None:
    assert tour.stack.record(tour.launch)["state"] == "FINISHED"
    for kind in ("configmaps", "secrets"):
        stacks.until(
            lambda kind=kind: core(kind, "training", f"training-job-{tour.launch}") is None, f"the end of its {kind}"
        )
    assert machines.cluster().get(f"/apis/batch/v1/namespaces/training/jobs/training-job-{tour.launch}") is None


def test_tracking_uri_is_the_node_port_from_the_host_and_the_service_in_the_cluster(tour: Tour) -> None:
    assert tour.stack.contract["MLFLOW_TRACKING_URI"] == "http://localhost:30500"
    shown = tour.stack.observed(tour.launch)["shown"]
    assert shown["MLFLOW_TRACKING_URI"] == "http://mlflow.monitoring.svc.cluster.local:5000"


def test_s3_endpoint_is_the_service_in_the_cluster(tour: Tour) -> None:
    shown = tour.stack.observed(tour.launch)["shown"]
    assert shown["MLFLOW_S3_ENDPOINT_URL"] == "http://minio.storage.svc.cluster.local:9000"


def test_variables_come_from_config_map_and_secret_by_value_from(tour: Tour) -> None:
    plain = core("configmaps", "training", "mlflow-config")["data"]
    assert plain["mlflow-tracking-uri"] == "http://mlflow.monitoring.svc.cluster.local:5000"
    assert plain["mlflow-s3-endpoint-url"] == "http://minio.storage.svc.cluster.local:9000"
    secret = {k: base64.b64decode(v).decode() for k, v in core("secrets", "training", "r2-credentials")["data"].items()}
    keys = ("runs_access_key", "runs_secret_key")
    assert (secret["access-key"], secret["secret-key"]) == tuple(tour.canaries[key] for key in keys)

    entries = tour.run["pod"]["spec"]["containers"][0]["env"]
    sources = {entry["name"]: next(iter(entry["valueFrom"].values())) for entry in entries if "valueFrom" in entry}
    taken = {name: (source["name"], source["key"]) for name, source in sources.items()}
    assert taken["MLFLOW_TRACKING_URI"] == ("mlflow-config", "mlflow-tracking-uri")
    assert taken["MLFLOW_S3_ENDPOINT_URL"] == ("mlflow-config", "mlflow-s3-endpoint-url")
    assert taken["AWS_ACCESS_KEY_ID"] == ("r2-credentials", "access-key")
    assert taken["AWS_SECRET_ACCESS_KEY"] == ("r2-credentials", "secret-key")
    assert set(tour.stack.record(tour.launch)["contract"]["names"]) <= set(taken)


@pytest.mark.parametrize("name", ["mlflow", "minio"])
def test_liveness_and_readiness_probes(tour: Tour, name: str) -> None:
    path = {"mlflow": "/health", "minio": "/minio/health/live"}[name]
    for probe in ("livenessProbe", "readinessProbe"):
        assert container(name)[probe]["httpGet"]["path"] == path
    assert {condition["type"]: condition["status"] for condition in pods(name)[0]["status"]["conditions"]}[
        "Ready"
    ] == "True"


@pytest.mark.parametrize("name", ["mlflow", "minio"])
def test_restart_after_its_pod_was_deleted(tour: Tour, name: str) -> None:
    old = pods(name)[0]["metadata"]
    machines.cluster().call("DELETE", f"/api/v1/namespaces/{PLACES[name]}/pods/{old['name']}")
    stacks.until(lambda: {pod["metadata"]["uid"] for pod in pods(name)} - {old["uid"]}, f"another pod of {name}")
    stacks.until(lambda: deployment(name)["status"].get("readyReplicas") == 1, f"readiness of {name}", 120)
    stacks.until(lambda: stacks.answers(URLS[name]), f"an answer of {name}")


def test_data_survives_down_and_up(tour: Tour) -> None:
    runs = tour.stack.runs()
    tour.stack.play("teardown").succeeded()
    assert [deployment("mlflow"), deployment("minio")] == [None, None]
    tour.stack.play("services").succeeded()
    assert runs
    assert tour.stack.runs() == runs
    launch = next(run for run in runs.values() if run["name"] == "resnet50-exp1")
    assert tour.stack.keys(launch["artifacts"].rsplit("/", 2)[0])


def test_files_of_the_training_lie_on_a_claim(tour: Tour) -> None:
    assert claim_at(tour.run["pod"]["spec"], "/data") == CLAIM
    assert tour.stack.observed(tour.launch)["visits"] == 0
    assert tour.stack.observed(observe(tour.stack).launch)["visits"] > 0


def test_network_is_the_dns_of_services_inside_and_node_port_30500_outside(tour: Tour) -> None:
    service = core("services", "monitoring", "mlflow")["spec"]
    assert (service["type"], service["ports"][0]["nodePort"]) == ("NodePort", 30500)
    assert requests.get("http://localhost:30500/version", timeout=10).text == "3.17.2"
    # The script asked by name: its MLflow run arrived.
    assert tour.stack.record(tour.launch)["mlflow_runs"][0]["status"] == "FINISHED"


def test_resources_are_requests_and_limits_of_cpu_and_memory(tour: Tour) -> None:
    for found in (container("mlflow"), container("minio"), tour.run["pod"]["spec"]["containers"][0]):
        for kind in ("requests", "limits"):
            assert found["resources"][kind] == {"cpu": "500m", "memory": "1Gi"}


def test_logs_are_gathered_beside_the_record(tour: Tour) -> None:
    # Its Job and pod are gone; what it said is not.
    assert "observed {" in tour.stack.log(tour.launch)
    trained = next(launch for launch in tour.stack.launches if launch.startswith("train-"))
    assert "epoch 5/5: train_loss" in tour.stack.log(trained)


def test_secrets_are_mounted_from_a_secret(tour: Tour) -> None:
    for name, namespace in PLACES.items():
        named = [volume["secret"]["secretName"] for volume in pod_spec(name)["volumes"] if "secret" in volume]
        assert named == [f"{name}-credentials"]
        assert core("secrets", namespace, named[0])["data"]


def test_day_to_day_work_is_edit_run_and_look_without_an_image_build(tour: Tour) -> None:
    tour.stack.play("services").succeeded()
    script = tour.stack.folder / "project" / "edited.py"
    images = set()
    for words in ("before the edit", "after the edit"):
        script.write_text(f"import mlflow\nmlflow.set_experiment('edited')\nmlflow.log_param('words', {words!r})\n")
        record = tour.stack.train(script)
        images.add(record["image"])
        assert record["mlflow_runs"][0]["params"] == {"words": words}
        assert requests.get(record["mlflow_runs"][0]["url"], timeout=10).ok
    assert images == {tour.stack.record(tour.launch)["image"]}
