"""What is refused before anything starts: not zero, one line that a person understands, and nothing left."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hunting
import pytest
from guarded import Guarded, any_image
from plays import ROOT

from ansible_collections.samerun.stack.plugins.plugin_utils.environments import images

SECRET = "a-secret-of-a-person-1234567890"


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    """A world of processes that never comes up."""
    return Guarded("process", tmp_path)


@pytest.fixture
def port() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize(
    "inventory, words",
    [
        (str(ROOT / "inventories" / "locl"), ("There is no", "Did you mean", "inventories/local?")),
        (str(ROOT / "nowhere"), ("names no host in the group samerun", "-i")),
        ("localhost,", ("names no host in the group samerun", "inventories/process")),
    ],
    ids=["mistyped", "missing", "without a world"],
)
def test_an_inventory_that_names_no_world(guarded: Guarded, inventory: str, words: tuple[str, ...]) -> None:
    guarded.inventory = inventory
    guarded.refuses("Failed to find a world:", *words)


@pytest.mark.parametrize(
    "mistyped, meant",
    [
        ("training_scrpt", "training_script"),
        ("mlflow_prot", "mlflow_port"),
        ("object_store_buckett", "object_store_bucket"),
        ("samerun_targte", "samerun_target"),
    ],
)
def test_a_variable_near_a_known_one(guarded: Guarded, mistyped: str, meant: str) -> None:
    guarded.refuses(f"Failed to read the variable {mistyped}:", f"Did you mean {meant}?", **{mistyped: "x"})


@pytest.mark.parametrize("name", ["training_colour", "mlflow_favourite", "object_store_of_mine", "samerun_whatever"])
def test_a_variable_far_from_any_is_warned_of(guarded: Guarded, name: str) -> None:
    play = guarded.play("--check", **{name: "x"}).succeeded()
    assert [line for line in play.warnings if name in line] == [
        f"The variable {name} is none of samerun's; nothing reads it."
    ]


@pytest.mark.parametrize(
    "name, value",
    [
        ("mlflow_port", "many"),
        ("mlflow_name", {"a": "b"}),
        ("object_store_node_port", [1]),
        ("training_args", 5),
        ("training_env", "NAME=VALUE"),
        ("training_timeout", "soon"),
        ("samerun_pull_secrets", "one"),
    ],
)
def test_a_value_of_a_wrong_type(guarded: Guarded, name: str, value: Any) -> None:
    guarded.refuses(f"Failed to read the variable {name}:", **{name: value})


@pytest.mark.parametrize(
    "name, choice", [("samerun_target", "process"), ("samerun_store", "seaweedfs"), ("training_delivery", "mount")]
)
def test_a_value_that_is_no_choice(guarded: Guarded, name: str, choice: str) -> None:
    guarded.refuses(f"Failed to read the variable {name}:", "must be one of: ", choice, "moon", **{name: "moon"})


def test_a_limit_that_leaves_no_world(guarded: Guarded) -> None:
    inventory = guarded.folder / "hosts.yml"
    inventory.write_text("samerun: {hosts: {mine: {}}}\nungrouped: {hosts: {localhost: {ansible_connection: local}}}\n")
    guarded.inventory = str(inventory)
    guarded.refuses(
        "Failed to find a world: --limit localhost leaves none of mine.", "to mine", arguments=("--limit", "localhost")
    )


def test_a_limit_that_names_nothing_is_ansibles_own(guarded: Guarded) -> None:
    play = guarded.play("--limit", "nohost")
    assert play.code == 1
    assert "--limit leaves us with no hosts to target" in play.output
    guarded.nothing_is_left()


def test_a_name_that_is_a_path(guarded: Guarded) -> None:
    guarded.refuses("Failed to read samerun_world: '../..' is not a name.", "letters", samerun_world="../..")


def test_a_model_that_mlflow_will_refuse_after_the_last_epoch(guarded: Guarded) -> None:
    (guarded.folder / "requirements.txt").write_text("torch\nmlflow>=3.14\n")
    (guarded.folder / "saving.py").write_text("import mlflow.pytorch as m\ndef save(x):\n    m.log_model(x, 'model')\n")
    script = guarded.folder / "train.py"
    script.write_text("import saving\n")
    guarded.refuses(
        "Failed to check saving.py, line 3: mlflow.pytorch.log_model without input_example", "mlflow==3.13",
        training_script=str(script),
    )  # fmt: skip


@pytest.mark.parametrize(
    "name, value",
    [
        ("object_store_secret_key", [SECRET]),
        ("object_store_access_key", {"key": SECRET}),
        ("training_secret_env", SECRET),
        ("training_secret_env", [SECRET]),
        ("training_secret_env", {"TOKEN": [SECRET]}),
    ],
)
def test_a_secret_of_a_wrong_type_is_not_shown(guarded: Guarded, name: str, value: Any) -> None:
    play = guarded.refuses("Failed to read", name, arguments=("-vvvv", "--diff"), **{name: value})
    assert hunting.hits(play.output, [SECRET]) == []


def test_one_key_without_the_other(guarded: Guarded) -> None:
    play = guarded.refuses("Failed to read the S3 keys:", "object_store_access_key", object_store_secret_key=SECRET)
    assert hunting.hits(play.output, [SECRET]) == []


def test_a_password_in_an_endpoint(guarded: Guarded) -> None:
    url = f"http://me:{SECRET}@mlflow.example:5000"
    play = guarded.refuses("Failed to read mlflow_endpoint:", "http://mlflow.example:5000", mlflow_endpoint=url)
    assert hunting.hits(play.output, [SECRET]) == []


@pytest.mark.parametrize(
    "content, words",
    [(None, "there is no such file"), ("", "it is empty"), (" \n", "it is empty"), ("import os\ndef f(:\n", "line 2")],
    ids=["missing", "empty", "blank", "broken"],
)
def test_a_script_that_cannot_run(guarded: Guarded, content: str | None, words: str) -> None:
    script = guarded.folder / "train.py"
    if content is not None:
        script.write_text(content)
    guarded.refuses("Failed to read the script", script.name, words, training_script=str(script))


@pytest.mark.parametrize(
    "given",
    [
        {"training_resources": {"cpu": "1"}},
        {"training_queue": "team", "training_priority_class": "low"},
    ],
    ids=lambda given: "+".join(given),
)
def test_what_the_target_cannot_do(guarded: Guarded, given: dict[str, Any]) -> None:
    guarded.refuses("Failed to plan the run:", *given, **given)


def test_a_script_that_is_a_folder(guarded: Guarded) -> None:
    folder = str(guarded.folder)
    guarded.refuses("Failed to read the script", "it is a folder", f"{folder}/train.py", training_script=folder)


@pytest.mark.parametrize(
    "address, words",
    [
        ("tcp://127.0.0.1:1", "nothing answers"),
        ("unix:///nowhere/docker.sock", "nothing answers"),
        ("moon://x", "address"),
    ],
)
def test_no_engine(tmp_path: Path, address: str, words: str) -> None:
    guarded = Guarded("docker", tmp_path, {"DOCKER_HOST": address}, engine=False)
    guarded.refuses("Failed to talk to the Docker engine", address, "DOCKER_HOST", words, "docker context ls")


@pytest.mark.docker
class TestDocker:
    """What is in the way on a Docker host."""

    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Guarded:
        return Guarded("docker", tmp_path)

    @pytest.mark.parametrize("role", ["mlflow", "object_store"])
    def test_a_foreign_container(self, guarded: Guarded, role: str) -> None:
        name = guarded.variables[f"{role}_name"]
        container = guarded.docker.containers.create(any_image(), name=name)
        try:
            guarded.refuses(f"Failed to claim the name {name}:", "has it", f"{role}_name")
            container.reload()
            assert (container.status, dict(container.labels).get("samerun.dev/world")) == ("created", None)
        finally:
            container.remove(force=True, v=True)

    @pytest.mark.parametrize("kind, variable", [("volumes", "mlflow_data"), ("networks", "samerun_network")])
    def test_a_foreign_volume_or_network(self, guarded: Guarded, kind: str, variable: str) -> None:
        guarded.variables["mlflow_data"] = "mlflow-guarded-data"
        collection, name = getattr(guarded.docker, kind), guarded.variables[variable]
        theirs = collection.create(name)
        try:
            guarded.refuses(f"Failed to claim the name {name}: a {kind[:-1]} of another owner", "has it", variable)
            assert not collection.get(name).attrs["Labels"]
        finally:
            theirs.remove()

    def test_a_port_that_another_container_has(self, guarded: Guarded) -> None:
        port = guarded.variables["mlflow_port"]
        holder = guarded.docker.containers.run(
            images.BASE_IMAGE, ["sleep", "60"], name="holder", ports={"1/tcp": ("127.0.0.1", port)}, detach=True
        )
        try:
            guarded.refuses(f"Failed to claim port {port}: container holder has it.", f"mlflow_port={port + 1}")
        finally:
            holder.remove(force=True, v=True)

    def test_a_port_that_another_program_has(self, guarded: Guarded, port: int) -> None:
        guarded.refuses(f"Failed to claim port {port}:", "(pid ", f"mlflow_port={port + 1}", mlflow_port=port)


@pytest.mark.kubernetes
class TestKubernetes:
    """What is in the way in a cluster."""

    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Iterator[Guarded]:
        found = Guarded("kubernetes", tmp_path)
        yield found
        found.remove_namespaces()

    @pytest.mark.parametrize(
        "change, words",
        [
            ({"missing": True}, ("there is no kubeconfig at", "KUBECONFIG")),
            ({"context": "moon"}, ("has no such context", "Known contexts:")),
            ({"server": "https://127.0.0.1:1"}, ("nothing answers there", "Start the cluster")),
            ({"ca": True}, ("its certificate is not trusted", "CA")),
            ({"token": "nonsense"}, ("does not accept our credentials", "Log in to the cluster again")),
        ],
        ids=["no kubeconfig", "wrong context", "unreachable", "wrong CA", "bad token"],
    )
    def test_no_cluster(self, guarded: Guarded, change: dict[str, Any], words: tuple[str, ...]) -> None:
        guarded.refuses("Failed to", "cluster", *words, **guarded.changed_kubeconfig(**change))

    def test_an_api_server_that_says_nothing(self, guarded: Guarded, port: int) -> None:
        silent = guarded.changed_kubeconfig(server=f"https://127.0.0.1:{port}")
        guarded.refuses("Failed to talk to the cluster", "no answer within", **silent)

    def test_a_context_that_does_not_look_local_and_was_not_named(self, guarded: Guarded) -> None:
        far = guarded.changed_kubeconfig(server="https://cluster.example:6443")
        guarded.refuses("Failed to choose a cluster:", "does not look local", "samerun_context=", **far)

    @pytest.mark.parametrize(
        "path, kind, variable",
        [
            ("/apis/apps/v1/namespaces/{}/deployments", "Deployment", "mlflow_name"),
            ("/api/v1/namespaces/{}/services", "Service", "mlflow_name"),
            ("/api/v1/namespaces/{}/persistentvolumeclaims", "PersistentVolumeClaim", "mlflow_data"),
        ],
    )
    def test_a_foreign_object(self, guarded: Guarded, path: str, kind: str, variable: str) -> None:
        name = guarded.variables[variable]
        place = path.format(guarded.foreign_namespace())
        guarded.create(place, kind, name)
        guarded.refuses("Failed to claim", kind, name, variable)
        found = guarded.cluster.get(f"{place}/{name}")["metadata"]
        assert "labels" not in found
        assert "samerun" not in {entry["manager"] for entry in found["managedFields"]}

    def test_a_node_port_that_another_service_has(self, guarded: Guarded) -> None:
        place = f"/api/v1/namespaces/{guarded.foreign_namespace()}/services"
        guarded.create(place, "Service", "somebody-elses", node_port=guarded.variables["mlflow_node_port"])
        guarded.refuses("Failed to claim", str(guarded.variables["mlflow_node_port"]), "mlflow_node_port")
