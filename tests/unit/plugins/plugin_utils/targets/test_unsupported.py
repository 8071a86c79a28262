"""A setting that a target cannot carry out is refused by the name of its variable."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.training import Scheduling
from ansible_collections.samerun.stack.plugins.plugin_utils.targets.unsupported import cluster_options, refuse


def test_all_that_are_set_are_named_at_once() -> None:
    with pytest.raises(SamerunError, match="training_a and training_c are set, and it cannot") as caught:
        refuse({"training_a": 1, "training_b": "", "training_c": ["x"]}, "it cannot", "Unset it.")
    assert (caught.value.code, caught.value.hint) == (CONFIG, "Unset it.")
    with pytest.raises(SamerunError, match="training_a is set, and it cannot"):
        refuse({"training_a": 1}, "it cannot", "Unset it.")


def test_what_is_not_set_is_not_refused() -> None:
    refuse({"training_a": "", "training_b": [], "training_c": False}, "it cannot", "Unset it.")


@pytest.mark.parametrize(
    "given, named",
    [
        (Scheduling(), []),
        (Scheduling(start_timeout=Scheduling.start_timeout + 1), ["training_start_timeout"]),
        (Scheduling(start_timeout=0), ["training_start_timeout"]),
        (Scheduling(queue="q", node_selector={"gpu": "yes"}), ["training_node_selector", "training_queue"]),
    ],
    ids=["nothing", "longer", "for ever", "two"],
)
def test_only_what_differs_from_the_default_means_something_to_a_cluster(
    tmp_path: Path, given: Scheduling, named: list[str]
) -> None:
    options = cluster_options(samples.spec(samples.world(tmp_path), scheduling=given))
    assert [name for name, value in options.items() if value] == named
