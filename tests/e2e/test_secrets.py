"""No secret anywhere: canaries are hunted while a world is set up and trains, and in all that stays."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import hunting
import machines
import pytest
import stacks
from tours import FOREIGN, NOWHERE, Tour, Tours

# The files that are meant to hold the keys, for their owner alone.
# The last one is the process target's counterpart of a Secret: of a launch that may be started again, until its end.
MEANT = ("credentials.json", "contract.json", "services/*/secrets/*", "runs/*/again.json")


def is_meant(path: Path, state: Path) -> bool:
    return any(path.relative_to(state).match(pattern) for pattern in MEANT)


def test_the_hunt_finds_a_secret_in_any_shape() -> None:
    secret = "a/b+c=ü& " + "0123456789abcdef" * 2
    for before in ("", "a", "ab"):
        assert hunting.hits(base64.b64encode(f"{before}{secret}and more".encode()), [secret])
    for text in (quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps({"a": secret})):
        assert secret not in text
        assert hunting.hits(text, [secret])
    assert hunting.hits(f"x{secret}x", [secret])
    assert not hunting.hits("nothing of it", [secret])


def test_no_command_line_and_no_temporary_file_ever_holds_one(tour: Tour) -> None:
    # Otherwise the watch was blind.
    assert {"ansible-playbook", "observe.py"} <= tour.watch.programs
    assert tour.watch.files > 0
    assert tour.watch.found == set()


def test_a_play_never_shows_one(tour: Tour) -> None:
    for play in (tour.predicted, tour.first, tour.observing, *tour.failing.values()):
        assert "TASK [" in play.output
        assert hunting.hits(play.output, tour.canaries.values()) == []


def test_a_play_that_fails_says_why_in_one_line(tour: Tour) -> None:
    says = {"script": "exit code 3", "image": NOWHERE, "service": "Failed to "}
    for what, play in tour.failing.items():
        assert play.code != 0, what
        (line,) = play.errors
        assert says[what] in line


def test_no_object_of_the_store_and_nothing_that_mlflow_tells_holds_one(tour: Tour) -> None:
    stack = tour.stack
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket="mlflow-artifacts")
    names = [row["Key"] for page in pages for row in page.get("Contents", [])]
    # Log and record of a launch that failed are kept with its run.
    assert {"log.txt", "record.json"} <= {name.rpartition("/")[2] for name in names}
    for name in names:
        body = stack.s3.get_object(Bucket="mlflow-artifacts", Key=name)["Body"].read()
        assert hunting.hits(name.encode() + b" " + body, tour.canaries.values()) == [], name
    body = {"max_results": 1000}
    experiments = [found["experiment_id"] for found in stack.mlflow("experiments/search", body)["experiments"]]
    runs = stack.mlflow("runs/search", {**body, "experiment_ids": experiments})["runs"]
    assert {"FINISHED", "FAILED"} <= {run["info"]["status"] for run in runs}
    assert hunting.hits(json.dumps(runs, ensure_ascii=False), tour.canaries.values()) == []


def test_a_play_leaves_no_temporary_file(tour: Tour) -> None:
    assert hunting.in_files(tour.stack.folder / "tmp", tour.canaries.values()) == {}
    assert hunting.in_files(Path("~/.ansible").expanduser(), tour.canaries.values()) == {}


def test_only_private_files_of_the_state_folder_hold_one(tour: Tour) -> None:
    state = tour.stack.state
    found = hunting.in_files(state, tour.canaries.values())
    assert sorted(str(path) for path in found if not is_meant(path, state)) == []
    assert state / "contract.json" in found
    assert {oct(path.stat().st_mode & 0o777) for path in found} == {"0o600"}


def test_no_record_and_no_log_holds_one(tour: Tour) -> None:
    runs = tour.stack.state / "runs"
    assert "observed" in (runs / tour.launch / "log.txt").read_text()
    assert hunting.in_files(runs, tour.canaries.values()) == {}


def test_the_script_gets_its_secrets_and_nothing_of_the_caller(tour: Tour) -> None:
    seen = tour.stack.observed(tour.launch)["digests"]
    for name, canary in (
        ("AWS_ACCESS_KEY_ID", "runs_access_key"),
        ("AWS_SECRET_ACCESS_KEY", "runs_secret_key"),
        ("OBSERVE_TOKEN", "training_secret_env"),
    ):
        assert seen[name] == stacks.digest(tour.canaries[canary])
    world = {stacks.digest(tour.canaries[f"object_store_{part}"]) for part in ("access_key", "secret_key")}
    assert [name for name, value in seen.items() if value in world] == []
    foreign = {stacks.digest(value) for value in FOREIGN.values()}
    assert [name for name, value in seen.items() if value in foreign] == []
    known = set(tour.stack.record(tour.launch)["contract"]["names"]) | {"MLFLOW_RUN_CONTEXT"}
    assert {name for name in seen if name.startswith(("AWS_", "MLFLOW_"))} == known


@pytest.mark.docker
def test_no_container_image_or_label_shows_one(tours: Tours) -> None:
    tour = tours.of("docker")
    trainer = tour.run["container"]["Name"].removeprefix("/")
    for name, attributes in tour.everything.items():
        shown = json.dumps(attributes)
        if name == f"container {trainer}":
            environment = attributes["Config"].pop("Env")
            assert hunting.hits(json.dumps(environment), tour.canaries.values()), "the script's own environment"
            shown = json.dumps(attributes)
        assert hunting.hits(shown, tour.canaries.values()) == [], name
    assert {"container mlflow", "container minio", f"container {trainer}"} <= set(tour.everything)


@pytest.mark.docker
def test_no_log_of_a_container_shows_one(tours: Tours) -> None:
    tour = tours.of("docker")
    for name in ("mlflow", "minio"):
        log = machines.docker_client().containers.get(name).logs()
        assert log
        assert hunting.hits(log, tour.canaries.values()) == []


@pytest.mark.kubernetes
def test_no_object_of_the_cluster_shows_one_outside_the_data_of_secrets(tours: Tours) -> None:
    tour = tours.of("kubernetes")
    during, now = tour.everything, machines.cluster().everything(stacks.NAMESPACES)
    kinds = {path.split("/namespaces/")[1].split("/")[1] for path in during}
    assert {"configmaps", "events", "jobs", "pods", "secrets"} <= kinds
    for objects in (during, now):
        for path, found in objects.items():
            held = found.pop("data", None) if "/secrets/" in path else None
            assert hunting.hits(json.dumps(found), tour.canaries.values()) == [], path
            found |= {"data": held} if held else {}


@pytest.mark.kubernetes
def test_secrets_of_the_cluster_hold_them(tours: Tours) -> None:
    # The other side of the hunt above: it looks in the right place and at the right time.
    tour = tours.of("kubernetes")
    secrets = {path: json.dumps(found["data"]) for path, found in tour.everything.items() if "/secrets/" in path}
    for canary in tour.canaries.values():
        assert any(base64.b64encode(canary.encode()).decode() in data for data in secrets.values())


@pytest.mark.kubernetes
def test_no_log_of_a_pod_shows_one(tours: Tours) -> None:
    tour = tours.of("kubernetes")
    for namespace in ("monitoring", "storage"):
        for pod in machines.cluster().items(f"/api/v1/namespaces/{namespace}/pods"):
            log = machines.cluster().log(pod["metadata"]["name"], namespace)
            assert log
            assert hunting.hits(log, tour.canaries.values()) == []
