"""What a second play does: nothing, unless something that decides the result has changed."""

from __future__ import annotations

from typing import Any

import machines
import pytest
import stacks
from plays import Play
from tours import Tour, observe

# The variable that moves MLflow, and where to.
MOVES = {"process": {"mlflow_port": 5071}, "docker": {"mlflow_port": 5072}, "kubernetes": {"mlflow_node_port": 30573}}


@pytest.fixture(scope="session")
def ready() -> set[str]:
    """The worlds that have trained the quick script; every test below leaves them so."""
    return set()


@pytest.fixture
def trained(tour: Tour, ready: set[str]) -> Tour:
    """A world that has trained a quick script by site.yml."""
    if tour.stack.name not in ready:
        site(tour).succeeded()
        ready.add(tour.stack.name)
    return tour


def site(tour: Tour, **variables: Any) -> Play:
    return observe(tour.stack, playbook="site", **variables)


def test_check_mode_predicts_all_of_it_on_an_empty_machine(tour: Tour) -> None:
    assert tour.predicted.code == 0, tour.predicted.output
    changes = " | ".join(tour.predicted.changes)
    for part in ("has S3 keys", "Make the bucket", "Write the contract", "Train"):
        assert part in changes
    assert changes.count("Compare the service with what is wanted") == 2
    assert "train.py" in tour.predicted.output


def test_check_mode_starts_nothing(tour: Tour) -> None:
    mine = {
        name for name in tour.after - tour.before if tour.stack.target != "process" or str(tour.stack.folder) in name
    }
    assert mine == set()
    assert not tour.state_after


def test_check_mode_of_what_is_there_predicts_nothing(trained: Tour) -> None:
    play = site_in_check_mode(trained)
    assert (play.code, play.changed) == (0, 0), play.output


def site_in_check_mode(tour: Tour) -> Play:
    return observe(tour.stack, "--check", "--diff", playbook="site")


def test_second_site_of_the_trainer_changes_nothing(tour: Tour) -> None:
    play = tour.stack.play("site").succeeded()
    assert play.changed == 0, play.changes
    assert play.launches == ()


def test_train_always_trains(trained: Tour) -> None:
    assert len(observe(trained.stack).succeeded().launches) == 1


def test_services_never_trains(trained: Tour) -> None:
    play = observe(trained.stack, playbook="services").succeeded()
    assert (play.changed, play.launches) == (0, ())


def test_a_deleted_mlflow_run_is_trained_again(trained: Tour) -> None:
    fingerprint = trained.stack.record(max(site_launches(trained)))["fingerprint"]
    for launch in site_launches(trained):
        record = trained.stack.record(launch)
        if record["fingerprint"] == fingerprint:
            for run in record["mlflow_runs"]:
                trained.stack.mlflow("runs/delete", {"run_id": run["run_id"]})
    assert trained.stack.record(site(trained).launch)["fingerprint"] == fingerprint
    assert site(trained).succeeded().changed == 0


def site_launches(tour: Tour) -> list[str]:
    return [launch for launch in tour.stack.launches if launch.startswith("observe-")]


def test_a_changed_variable_is_trained_again_once(trained: Tour) -> None:
    changed = {"OBSERVE_COLOUR": "green", "OBSERVE_DATA": "/data"}
    launch = site(trained, training_env=changed).launch
    assert trained.stack.observed(launch)["shown"]["OBSERVE_COLOUR"] == "green"
    assert site(trained, training_env=changed).succeeded().changed == 0


def test_a_moved_port_is_not_trained_again(trained: Tour) -> None:
    before = trained.stack.contract["MLFLOW_TRACKING_URI"]
    moved = site(trained, **MOVES[trained.stack.target]).succeeded()
    try:
        assert moved.changed > 0
        assert moved.launches == ()
        assert trained.stack.contract["MLFLOW_TRACKING_URI"].rpartition(":")[2] in map(
            str, MOVES[trained.stack.target].values()
        )
    finally:
        back = site(trained).succeeded()
    assert back.launches == ()
    assert trained.stack.contract["MLFLOW_TRACKING_URI"] == before


@pytest.mark.docker
def test_a_service_edited_by_hand_is_repaired_once(tours: Any) -> None:
    tour = tours.of("docker")
    container = machines.docker_client().containers.get("mlflow")
    container.update(mem_limit=str(3 * 2**30), memswap_limit=-1)
    repaired = tour.stack.play("services").succeeded()
    assert repaired.changed > 0
    assert stacks.until(
        lambda: machines.docker_client().containers.get("mlflow").attrs["HostConfig"]["Memory"] == 2 * 2**30, "repair"
    )
    assert tour.stack.play("services").succeeded().changed == 0
