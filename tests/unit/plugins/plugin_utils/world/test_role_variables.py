from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.plugin_utils.world import role_variables


def same(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    "one, other, steps",
    [("", "", 0), ("a", "", 1), ("port", "prot", 2), ("mlflow_port", "mlflow_ports", 1), ("kitten", "sitting", 3)],
)
def test_distance_counts_edits(one: str, other: str, steps: int) -> None:
    assert role_variables.distance(one, other) == role_variables.distance(other, one) == steps


@pytest.mark.parametrize(
    "given, meant",
    [("mlflow_prot", "mlflow_port"), ("training_scripts", "training_script"), ("samerun_targt", "samerun_target")],
)
def test_an_unknown_variable_near_a_known_one_is_refused(given: str, meant: str) -> None:
    with pytest.raises(SamerunError, match=rf"{given}.*Did you mean {meant}\?"):
        role_variables.check({given: 1}, same)


def test_an_unknown_variable_far_from_all_is_a_warning_and_others_are_not_ours() -> None:
    (warning,) = role_variables.check({"training_of_my_dog": 1, "inventory_hostname": "x", "mlflower": 1}, same)
    assert "training_of_my_dog" in warning


def test_a_nul_byte_is_refused_and_not_shown() -> None:
    with pytest.raises(SamerunError, match="mlflow_password: it holds a NUL byte") as caught:
        role_variables.check({"mlflow_password": "canary\0"}, same)
    assert "canary" not in str(caught.value)


def test_a_value_that_the_spec_does_not_admit_is_refused() -> None:
    with pytest.raises(SamerunError, match=r"mlflow_port.*int"):
        role_variables.check({"mlflow_port": "many"}, same)


def test_a_secret_of_the_wrong_type_is_not_shown() -> None:
    with pytest.raises(SamerunError) as caught:
        role_variables.check({"training_secret_env": "canary"}, same)
    assert "canary" not in str(caught.value)
    assert "training_secret_env" in caught.value.message


def test_values_are_templated_before_they_are_judged() -> None:
    assert role_variables.check({"mlflow_port": "{{ 5000 }}"}, lambda _value: 5000) == []


def test_every_public_variable_has_one_of_the_prefixes() -> None:
    assert [name for name in role_variables.specs() if not name.startswith(role_variables.PREFIXES)] == []
    assert role_variables.check(dict.fromkeys(()), same) == []
