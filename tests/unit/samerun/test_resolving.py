"""What an inventory may hold is read as a play reads it, without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from world_options import port

from ansible_collections.samerun.stack.plugins.module_utils.errors import CONFIG, SamerunError
from samerun.request import Training, with_training
from samerun.resolving import Resolved, resolve
from samerun.variables import Variables, given

HOSTS = """\
samerun:
  hosts:
    here:
      ansible_connection: local
others:
  hosts:
    there:
      port_there: 7000
      port_again: "{{ typed_port | default(1) }}"
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    folder = tmp_path / "inventory"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "hosts.yml").write_text(HOSTS)
    return folder


def resolved(inventory: Path, variables: Variables | None = None, **of_the_group: Any) -> Resolved:
    """The world of `inventory` with more variables of its group."""
    lines = [f"{name}: {value}\n" for name, value in of_the_group.items()]
    (inventory / "group_vars" / "samerun.yml").write_text("".join(lines))
    (found,) = resolve(str(inventory), variables or Variables())
    return found


def test_variables_of_other_hosts_and_groups_are_there(inventory: Path) -> None:
    templates = {
        "mlflow_port": "\"{{ hostvars['there'].port_there }}\"",
        "samerun_world": "\"{{ groups['others'][0] }}\"",
    }
    found = resolved(inventory, variables=None, **templates).world
    assert (port(found), found["name"]) == (7000, "there")


def test_what_is_typed_counts_for_other_hosts_too(inventory: Path) -> None:
    variables = given(["typed_port=7001"])
    for _again in range(2):
        found = resolved(inventory, variables, mlflow_port="\"{{ hostvars['there'].port_again }}\"")
        assert port(found.world) == 7001
    found = resolved(inventory, mlflow_port="\"{{ hostvars['there'].port_again }}\"")
    assert port(found.world) == 1, "and for no later reading"


def test_hosts_of_the_play_are_those_of_the_world(inventory: Path) -> None:
    assert resolved(inventory, samerun_world='"{{ ansible_play_hosts[0] }}"').world["name"] == "here"


def test_lookups_and_filters_are_there(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_CALLER", "7002")
    found = resolved(inventory, mlflow_port="\"{{ lookup('env', 'OF_THE_CALLER') | int + 1 }}\"")
    assert port(found.world) == 7003


def test_an_inventory_may_be_a_program(tmp_path: Path) -> None:
    program = tmp_path / "hosts"
    program.write_text('#!/bin/sh\necho \'{"samerun": {"hosts": ["here"], "vars": {"mlflow_port": 7004}}}\'\n')
    program.chmod(0o700)
    (found,) = resolve(str(program), Variables())
    assert port(found.world) == 7004


def test_a_vaulted_variable_is_read_by_the_password_file(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    (tmp_path / "password").write_text("open sesame")
    # Ansible reads its settings once for a process, and one of them again.
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setattr("ansible.constants.DEFAULT_VAULT_PASSWORD_FILE", str(tmp_path / "password"))
    vault = VaultLib([("default", VaultSecret(b"open sesame"))])
    (inventory / "group_vars" / "all.yml").write_bytes(vault.encrypt("mlflow_port: 7005\n"))
    assert port(resolved(inventory).world) == 7005


@pytest.mark.parametrize("name", ["ansible_facts.hostname", "ansible_check_mode", "ansible_role_name"])
def test_what_only_a_play_knows_is_refused_by_its_name(inventory: Path, name: str) -> None:
    with pytest.raises(SamerunError) as refused:
        resolved(inventory, samerun_registry=f'"{{{{ {name} }}}}"')
    assert name.rpartition(".")[2] in refused.value.message
    assert "play" in refused.value.hint
    assert refused.value.code == CONFIG


def test_nothing_of_ansible_is_printed_however_talkative_it_was_made(
    inventory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ansible.utils.display import Display

    monkeypatch.setattr(Display(), "verbosity", 5)
    (inventory / "broken.yml").write_text("samerun: {}\n")
    resolved(inventory)
    assert capsys.readouterr() == ("", "")


def test_a_variable_that_nobody_reads_is_told(inventory: Path) -> None:
    (warning,) = resolved(inventory, training_zzzzzzzz="1").warnings
    assert "training_zzzzzzzz is none of samerun's" in warning


def test_a_training_is_read_with_the_world(inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("print()\n")
    asked = with_training(given(["training_retries=2"]), Training(str(tmp_path / "train.py"), target="docker"))
    found = resolved(inventory, asked, training_env="{A: '1'}").training
    assert (found["retries"], found["target"], found["env"]) == (2, "docker", {"A": "1"})
    assert found["script"] == str(tmp_path / "train.py")
