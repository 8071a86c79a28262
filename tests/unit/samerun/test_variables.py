"""Variables reach Ansible as they were meant: settings as templates, a script's arguments as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, DATA, NO_INPUT, USAGE, SamerunError
from samerun import variables
from samerun.variables import Variables

DIFFICULT = [
    "{{ 1 + 1 }}", "{% raw %}", "", " ", "a: b", "- x", "!vault", "'\"", "a\nb\r\n", "\\n", "$x", "yes", "007",
    "\x7f\x85\u2028", "é😀", "\t",
]  # fmt: skip


def as_ansible_reads(given: Variables, folder: Path) -> Any:
    """What tasks of a play see."""
    (folder / "variables.yml").write_text(given.as_yaml())
    loader = DataLoader()
    found = loader.load_from_file(str(folder / "variables.yml"), trusted_as_template=True) or {}
    return Templar(loader=loader, variables=found).template(found)


def test_literals_arrive_unchanged(tmp_path: Path) -> None:
    given = {"training_args": DIFFICULT, "__samerun_env": {f"V{n}": text for n, text in enumerate(DIFFICULT)}, "n": 3}
    assert as_ansible_reads(Variables().with_literals(**given), tmp_path) == given


def test_values_are_templates_as_in_an_inventory(tmp_path: Path) -> None:
    given = Variables(values={"base": "a", "training_name": "{{ base }}-b"})
    assert as_ansible_reads(given, tmp_path) == {"base": "a", "training_name": "a-b"}


def test_settings_are_read_as_typed() -> None:
    given = variables.given(["mlflow_port=5301", 'training_env={"A": "1"}', "x={{ y }}", "z=a=b", "e=", "@v.yml"])
    assert given.values == {"mlflow_port": "5301", "training_env": {"A": "1"}, "x": "{{ y }}", "z": "a=b", "e": ""}
    assert given.files == (Path("v.yml").absolute(),)


def test_braces_hold_variables_as_ansible_takes_them() -> None:
    given = variables.given(['{"training_volumes": ["a:/data"], "training_retries": 3}', "training_retries=2"])
    assert given.values == {"training_volumes": ["a:/data"], "training_retries": "2"}
    with pytest.raises(SamerunError, match="no variables in JSON") as refused:
        variables.given(["{a: "])
    assert refused.value.code == USAGE


@pytest.mark.parametrize("text", ["foo", "=1", ""])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(SamerunError, match="NAME=VALUE") as refused:
        variables.given([text])
    assert refused.value.code == USAGE


def test_the_projects_file_comes_first_so_that_all_else_overrides_it(tmp_path: Path) -> None:
    (tmp_path / "samerun.yml").write_text("mlflow_port: 1\n")
    (tmp_path / "more.yml").write_text("mlflow_port: 2\n")
    found = variables.given([f"@{tmp_path}/more.yml"]).with_project(tmp_path)
    assert found.files == (tmp_path / "samerun.yml", tmp_path / "more.yml")


def test_a_project_without_a_file_is_fine(tmp_path: Path) -> None:
    assert Variables().with_project(tmp_path).files == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "a: !vault |\n  $ANSIBLE_VAULT;1.1\n", "b: !unsafe '{{ x }}'\n"])
def test_files_may_hold_what_ansible_can_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "samerun.yml").write_text(text)
    assert len(Variables().with_project(tmp_path).files) == 1


@pytest.mark.parametrize(
    "text, code, words",
    [
        ("mlflow_port: 1\n  bad: [", DATA, ["samerun.yml", "line 2"]),
        ("- mlflow_port\n", DATA, ["samerun.yml", "no variables"]),
        ("\tx: 1\n", DATA, ["samerun.yml", "line 1"]),
        ("mlflow_prt: 1\n", CONFIG, ["mlflow_prt", "mlflow_port"]),
        ("mlfow_port: 1\n", CONFIG, ["mlfow_port", "mlflow_port"]),
    ],
)
def test_a_broken_or_misspelt_file_is_one_line(tmp_path: Path, text: str, code: int, words: list[str]) -> None:
    (tmp_path / "samerun.yml").write_text(text)
    with pytest.raises(SamerunError) as refused:
        Variables().with_project(tmp_path)
    assert refused.value.code == code
    assert len(str(refused.value).splitlines()) == 1
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SamerunError, match="Did you mean object_store_port"):
        variables.given(["object_store_prot=1"]).with_project(tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SamerunError, match="No such file") as refused:
        variables.given([f"@{tmp_path}/none.yml"]).with_project(tmp_path)
    assert refused.value.code == NO_INPUT


def test_what_finds_the_world_again_is_repeated_and_what_may_be_secret_is_not() -> None:
    shown = [
        "@my world.yml", "samerun_world=one", "samerun_state_dir=/a b", "mlflow_port=5001", "training_namespace=t",
        "samerun_docker_host=ssh://me@host",
    ]  # fmt: skip
    hidden = [
        "object_store_secret_key=c4n4ry", "object_store_access_key=c4n4ry", "mlflow_username=c4n4ry",
        "mlflow_password=c4n4ry", "mlflow_token=c4n4ry", "training_secret_env={\"A\": \"c4n4ry\"}",
        "training_env={\"A\": \"c4n4ry\"}", "mine=c4n4ry", "training_name=x", "mlflow_endpoint=http://me:c4n4ry@host",
    ]  # fmt: skip
    assert variables.repeatable([*shown, *hidden]) == shown
    assert variables.repeatable(['{"samerun_world": "two", "mlflow_password": "c4n4ry", "mlflow_port": 1}']) == [
        "samerun_world=two", "mlflow_port=1",
    ]  # fmt: skip
