"""The Job of a launch can be changed by an overlay, and is still found by samerun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.masking import MASK
from ansible_collections.samerun.stack.plugins.module_utils.training import Scheduling
from ansible_collections.samerun.stack.plugins.module_utils.world import LAUNCH_LABEL, World
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import contract_objects
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.kubernetes import job


@pytest.fixture
def world(tmp_path: Path) -> World:
    return samples.world(tmp_path, "kubernetes")


def objects(world: World, secret_env: dict[str, str] | None = None, **given: Any) -> dict[str, Any]:
    return job.objects("the-job", samples.spec(world, **given), world, files={"a": "b"}, secret_env=secret_env or {})


@pytest.mark.parametrize(
    "overlay",
    [
        {"kind": "CronJob"},
        {"metadata": {"name": "mine"}},
        {"metadata": {"namespace": "x"}},
        {"spec": {"suspend": None}},
    ],
    ids=str,
)
def test_an_overlay_that_would_lose_the_launch_is_refused(world: World, overlay: dict[str, Any]) -> None:
    with pytest.raises(SamerunError, match="training_overlay changes") as caught:
        objects(world, overlay=overlay)
    assert caught.value.code == CONFIG


def test_an_overlay_adds_labels_and_takes_none_of_ours(world: World) -> None:
    template = {"metadata": {"labels": None, "annotations": {"a": "b"}}}
    overlay = {"metadata": {"labels": {"team": "x", LAUNCH_LABEL: "other"}}, "spec": {"template": template}}
    made = objects(world, overlay=overlay)["job"]
    assert made["metadata"]["labels"]["team"] == "x"
    for metadata in (made["metadata"], made["spec"]["template"]["metadata"]):
        assert metadata["labels"][LAUNCH_LABEL] == samples.LAUNCH
    assert made["spec"]["template"]["metadata"]["annotations"] == {"a": "b"}


def test_a_queue_starts_its_jobs_itself(world: World) -> None:
    assert job.queued(objects(world, scheduling=Scheduling(queue="team"))["job"])
    assert not job.queued(objects(world)["job"])


def test_secrets_of_the_user_have_an_object_of_their_own_if_there_are_some(world: World) -> None:
    assert "secret" not in objects(world)
    assert contract_objects.decoded(objects(world, {"TOKEN": "t"})["secret"]) == {"TOKEN": "t"}
    assert objects(world, {"TOKEN": MASK})["secret"]["data"] == {"TOKEN": MASK}


def test_what_the_job_owns_goes_with_it(world: World) -> None:
    made = objects(world)
    made["job"]["metadata"]["uid"] = "the uid"
    (reference,) = job.owner(made["job"])(made["config_map"])["metadata"]["ownerReferences"]
    assert (reference["uid"], reference["name"], reference["kind"]) == ("the uid", "the-job", "Job")


@pytest.mark.parametrize("retry_failures, actions", [(False, ["Ignore", "FailJob"]), (True, ["Ignore"])])
def test_only_where_it_is_asked_for_a_failure_of_the_script_is_repeated(
    world: World, retry_failures: bool, actions: list[str]
) -> None:
    made = objects(world, retries=2, retry_failures=retry_failures)["job"]["spec"]
    assert [rule["action"] for rule in made["podFailurePolicy"]["rules"]] == actions
    assert made["backoffLimit"] == 2


def test_the_limit_of_the_cluster_leaves_the_shim_time_to_end_each_attempt(world: World) -> None:
    assert "activeDeadlineSeconds" not in objects(world)["job"]["spec"]
    once, thrice = (objects(world, timeout=100, retries=n)["job"]["spec"]["activeDeadlineSeconds"] for n in (0, 2))
    assert 100 < once < thrice
