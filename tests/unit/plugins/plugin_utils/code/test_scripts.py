from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.training import Volume
from ansible_collections.samerun.stack.plugins.plugin_utils.code import scripts


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The caller's folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, content: bytes | str = "print()\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "script, project, root, relative",
    [
        ("train.py", "", ".", "train.py"),
        ("src/train.py", "", "src", "train.py"),
        ("src/train.py", ".", ".", "src/train.py"),
    ],
)
def test_a_script_is_found_from_the_callers_folder(
    here: Path, script: str, project: str, root: str, relative: str
) -> None:
    write(here / script)
    found = scripts.located(script, project)
    assert (found.project, found.relative) == (Path(here / root).resolve(), relative)


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "blank": (b" \n\t\n", "it is empty"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_script_is_refused(here: Path, what: str) -> None:
    content, message = BROKEN[what]
    write(here / "train.py", content)
    with pytest.raises(SamerunError, match=r"^Failed to read the script train\.py") as caught:
        scripts.located("train.py", "")
    assert message in str(caught.value)


def test_a_folder_that_may_not_be_searched_is_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)  # root may search everything
    with pytest.raises(SamerunError, match=r"^Failed to read the script x/train\.py: Permission denied\."):
        scripts.located("x/train.py", "")


def test_a_missing_script_is_refused_with_the_nearest(here: Path) -> None:
    with pytest.raises(SamerunError, match=r"no such file.*samerun train PATH"):
        scripts.located("train.py", "")
    write(here / "train.py")
    with pytest.raises(SamerunError, match=r"no such file.*Did you mean .*/train\.py"):
        scripts.located("trian.py", "")


def test_a_folder_and_a_script_outside_its_project_are_refused(here: Path) -> None:
    (here / "folder").mkdir()
    with pytest.raises(SamerunError, match=r"it is a folder"):
        scripts.located("folder", "")
    write(here / "train.py")
    with pytest.raises(SamerunError, match=r"not inside its project.*training_project"):
        scripts.located("train.py", "folder")


def test_requirements_are_the_named_the_projects_or_the_default(here: Path) -> None:
    assert "mlflow" in scripts.requirements("", here)
    write(here / "requirements.txt", "torch\n")
    write(here / "other.txt", "numpy\n")
    assert scripts.requirements("", here) == "torch\n"
    assert scripts.requirements("other.txt", here) == "numpy\n"


@pytest.mark.parametrize("content, cause", [(None, "No such file"), (b"\xff\xfe\0", "it is not text")])
def test_requirements_that_cannot_be_read_are_refused(here: Path, content: bytes | None, cause: str) -> None:
    if content is not None:
        write(here / "r.txt", content)
    with pytest.raises(SamerunError, match=rf"{cause}.*training_requirements"):
        scripts.requirements("r.txt", here)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"1A": "x"}, "no name of a variable"),
        ({"A B": "x"}, "no name of a variable"),
        ({"A=B": "x"}, "no name of a variable"),
        ({"": "x"}, "no name of a variable"),
        ({"MLFLOW_TRACKING_URI": "x"}, "Set mlflow_endpoint instead"),
        ({"AWS_SECRET_ACCESS_KEY": "x"}, "Set object_store_secret_key instead"),
        ({"A": ["x"]}, "A is not a string"),
        ({"A": {"b": 1}}, "A is not a string"),
        ({"A": None}, "A is not a string"),
        ({"A": "canary\0"}, "the value of A holds a NUL byte"),
    ],
)
def test_variables_that_no_environment_holds_are_refused_without_their_value(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(SamerunError, match=r"^Failed to read training_env: ") as caught:
        scripts.variables("training_env", given)
    assert message in str(caught.value)
    assert "canary" not in str(caught.value)


def test_variables_and_arguments_become_strings() -> None:
    assert scripts.variables("training_env", {"A": 1, "B": True, "C": "$x"}) == {"A": "1", "B": "True", "C": "$x"}
    assert scripts.arguments("training_args", ["--lr", 0.1, ""]) == ("--lr", "0.1", "")


def test_an_argument_with_nul_is_refused_by_its_number() -> None:
    with pytest.raises(SamerunError, match=r"training_args: argument 2 holds a NUL byte"):
        scripts.arguments("training_args", ["a", "canary\0"])


@pytest.mark.parametrize(
    "given, volume",
    [
        ("data:/data", Volume("data", "/data")),
        ("data:/data/:ro", Volume("data", "/data", read_only=True)),
        ("data:/data:rw", Volume("data", "/data")),
        ({"source": "data", "path": "/data", "read_only": True}, Volume("data", "/data", read_only=True)),
    ],
)
def test_a_volume_is_read(given: Any, volume: Volume) -> None:
    assert scripts.volume(given) == volume


def test_a_folder_of_the_host_is_absolute(here: Path) -> None:
    (here / "data").mkdir()
    assert scripts.volume("./data:/data").source == str(here / "data")


@pytest.mark.parametrize(
    "given, message",
    [
        ("data", "not SOURCE:PATH"),
        (":/data", "not SOURCE:PATH"),
        ("data:relative", "not SOURCE:PATH"),
        ("data:/", "not SOURCE:PATH"),
        ("data:/data/../etc", "not SOURCE:PATH"),
        ("data:/data:rx", "neither ro nor rw"),
        ("./absent:/data", "mkdir -p"),
        ({}, "not SOURCE:PATH"),
    ],
)
def test_a_volume_that_cannot_be_meant_is_refused(given: Any, message: str) -> None:
    with pytest.raises(SamerunError) as caught:
        scripts.volume(given)
    assert message in str(caught.value)


def test_keys_for_data_are_the_users_own_where_the_contract_has_none() -> None:
    given = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "mine too"}
    assert scripts.variables("training_secret_env", given, "proxied") == given
    with pytest.raises(SamerunError, match="part of the contract"):
        scripts.variables("training_secret_env", given)


def test_a_variable_of_the_contract_is_refused_unless_it_is_for_the_user_to_override() -> None:
    assert scripts.variables("training_env", {"AWS_MAX_ATTEMPTS": 3}) == {"AWS_MAX_ATTEMPTS": "3"}
    for option, name, setting in (
        ("training_env", "AWS_SECRET_ACCESS_KEY", "object_store_secret_key"),
        ("training_secret_env", "MLFLOW_TRACKING_TOKEN", "mlflow_token"),
        ("training_secret_env", "AWS_MAX_ATTEMPTS", "training_env"),
    ):
        with pytest.raises(SamerunError, match=f"{name} is part of the contract") as caught:
            scripts.variables(option, {name: "x"})
        assert setting in caught.value.hint
