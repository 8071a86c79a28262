"""What is given is wrong: `samerun` and a play refuse it alike, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import hunting
import pytest
from guarded import Guarded

SECRET = "a-secret-of-a-person-1234567890"
# Root reads whatever it wants, unless it drops the right to.
_AS_ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    """A world of processes that never comes up."""
    return Guarded("process", tmp_path, prefix=_AS_ANYBODY)


def test_a_script_that_nobody_may_read(guarded: Guarded) -> None:
    script = guarded.folder / "train.py"
    script.write_text("print(1)\n")
    script.chmod(0)
    start, words = "Failed to read the script", (script.name, "Permission denied", "readable")
    guarded.refuses(start, *words, training_script=str(script))
    guarded.refuses_the_command(start, *words, typed=("train", str(script)))


@pytest.mark.parametrize(
    "make, words",
    [
        (os.mkfifo, ("it is no ordinary file", "Write it to a file")),
        (lambda path: path.symlink_to("gone.py"), ("it is a link to gone.py, which is not there", "link")),
    ],
    ids=["pipe", "dangling link"],
)
def test_a_script_that_is_no_file(guarded: Guarded, make: Callable[[Path], None], words: tuple[str, ...]) -> None:
    script = guarded.folder / "train.py"
    make(script)
    guarded.refuses_the_command("Failed to read the script", script.name, *words, typed=("train", str(script)))


def test_whatever_is_missing_is_named_at_once(guarded: Guarded) -> None:
    names = (
        "MLFLOW_S3_ENDPOINT_URL (set object_store_endpoint), AWS_ACCESS_KEY_ID (set object_store_access_key), "
        "AWS_SECRET_ACCESS_KEY (set object_store_secret_key)"
    )
    start = f"Failed to resolve the contract of world guarded: no value for {names}."
    guarded.refuses(start, "Set what is named", samerun_store="external")
    guarded.refuses_the_command(start, "Set what is named", typed=("up",), samerun_store="external")


@pytest.mark.parametrize(
    "variable, value, words",
    [
        ("mlflow_endpoint", "localhost:5000", ("Write for example http://localhost:5000",)),
        ("object_store_endpoint", f"me:{SECRET}@s3.example:9000", ("a user or password", "http://s3.example:9000")),
    ],
)
def test_an_address_that_is_none(guarded: Guarded, variable: str, value: str, words: tuple[str, ...]) -> None:
    start = f"Failed to read {variable}: "
    play = guarded.refuses(start, *words, **{variable: value})
    said = guarded.refuses_the_command(start, *words, typed=("train", _ordinary(guarded)), **{variable: value})
    assert hunting.hits(play.output + said, [SECRET]) == []


def test_a_bucket_is_no_address(guarded: Guarded) -> None:
    words = ("'s3://bucket' is not an http", "Write for example http://s3.example:9000")
    guarded.refuses("Failed to read object_store_endpoint: ", *words, object_store_endpoint="s3://bucket")


def test_a_nul_byte_in_a_secret(guarded: Guarded) -> None:
    play = guarded.refuses("Failed to read ", "mlflow_password", "holds a NUL byte", mlflow_password=f"{SECRET}\0")
    assert hunting.hits(play.output, [SECRET]) == []


def _ordinary(guarded: Guarded) -> str:
    script = guarded.folder / "ordinary.py"
    script.write_text("print(1)\n")
    return str(script)
