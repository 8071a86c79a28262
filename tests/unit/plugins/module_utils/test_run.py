from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import causes, run
from ansible_collections.samerun.stack.plugins.module_utils.causes import Cause
from ansible_collections.samerun.stack.plugins.module_utils.contract import TABLE, Contract, resolve
from ansible_collections.samerun.stack.plugins.module_utils.run import (
    Environment,
    MlflowRun,
    RunRecord,
    RunSpec,
    RunState,
)
from ansible_collections.samerun.stack.plugins.module_utils.training import Training, Volume

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
PARTS = {"bundle": "b", "script": "train.py", "args": ("1",), "volumes": (Volume("/a", "/b"),), "env": {"A": "1"}}


def contract() -> Contract:
    return resolve({row.source: row.source for row in TABLE})


def spec() -> RunSpec:
    return RunSpec(
        launch="train-1", world="w", script_sha256="s", bundle_sha256="b", fingerprint="f",
        environment=Environment("python", "image", "digest"), contract=contract(), bucket="bucket",
        training=Training(
            target="process", script="train.py", name="train", args=("a",), env={"A": "1"},
            secret_env={"S": "canary-in-a-cage"},
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "train",
        "Train_It",
        "x" * 80,
        "",
        "; rm -rf /",
        "../../etc",
        "$(id)",
        "{{ lookup('x') }}",
        "-",
        "größe",
        "a.b",
        "9",
    ],
)
def test_a_slug_is_a_short_valid_label(name: str) -> None:
    found = run.slug(name)
    assert LABEL.fullmatch(found)
    assert len(found) <= 24
    # A Job's pods take 58 characters of its name.
    assert len(f"training-job-{run.new_launch(name)}") <= 58


def test_a_slug_keeps_what_is_valid_and_tells_apart_what_is_not() -> None:
    assert run.slug("resnet50-exp1") == "resnet50-exp1"
    assert run.slug("Train") != run.slug("train")
    assert run.slug("a_b") != run.slug("a-b")


def test_launches_of_one_name_differ_and_sort_by_time() -> None:
    first, second = run.new_launch("x"), run.new_launch("x")
    assert first != second
    assert first[:17] <= second[:17]


@pytest.mark.parametrize(
    "changed",
    [
        {"bundle": "other"},
        {"script": "other.py"},
        {"args": ("2",)},
        {"env": {"A": "2"}},
        {"volumes": (Volume("/a", "/b", read_only=True),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_fingerprint_follows_what_decides_the_result(changed: dict[str, object]) -> None:
    assert run.fingerprint(**{**PARTS, **changed}) != run.fingerprint(**PARTS)
    assert run.fingerprint(**dict(reversed(PARTS.items()))) == run.fingerprint(**PARTS)


def test_a_record_survives_json() -> None:
    record = spec().record()
    record.state = RunState.FAILED
    record.mlflow_runs = [MlflowRun("id", "experiment", "FAILED", params={"a": "1"}, metrics={"m": 0.5})]
    assert RunRecord.from_dict(record.as_dict()) == record
    assert RunRecord.from_dict({**record.as_dict(), "of a later version": 1}) == record


def test_a_record_holds_names_of_the_contract_and_no_secret() -> None:
    given = spec()
    text = given.record().as_json()
    assert given.record().contract == {"names": contract().names, "sha256": contract().sha256}
    assert given.record().image == "digest"
    assert [value for value in given.secrets.values() if f'"{value}"' in text] == []


def test_a_record_comes_back_from_its_json_with_its_cause() -> None:
    known = replace(spec().record(), state=RunState.KILLED, **vars(causes.cancelled(2)))
    found = json.loads(known.as_json())
    assert (found["cause"], found["cancelled_by"]) == ("cancelled", "SIGINT")
    assert RunRecord.from_dict(found) == known


def test_a_record_that_an_engine_keeps_names_no_cause_where_there_is_none() -> None:
    found = json.loads(spec().record().as_json())
    assert {"cause", "cancelled_by"} & found.keys() == set()
    assert RunRecord.from_dict(found).cause is Cause.NONE


def test_a_record_of_a_version_without_causes_has_the_one_that_its_reason_says() -> None:
    known = json.loads(spec().record().as_json())
    found = RunRecord.from_dict({**known, "reason": "Cancelled by SIGTERM."})
    assert (found.cause, found.cancelled_by) == (Cause.CANCELLED, "SIGTERM")


def test_plain_and_secret_variables_are_apart() -> None:
    given = spec()
    assert given.plain == {**contract().plain, "A": "1"}
    assert given.secrets == {**contract().secret, "S": "canary-in-a-cage"}
    assert "canary-in-a-cage" not in repr(given)


@pytest.mark.parametrize(
    "start, end, seconds",
    [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.500Z", 1.5),
        ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:01:00.123456789Z", 60.0),
        ("2026-01-01T01:00:00+01:00", "2026-01-01T00:00:02Z", 2.0),
        ("", "2026-01-01T00:00:00Z", 0.0),
        ("2026-01-01T00:00:00Z", "", 0.0),
    ],
)
def test_times_of_every_engine_are_read(start: str, end: str, seconds: float) -> None:
    assert run.seconds_between(start, end) == seconds


def test_now_is_readable_and_in_utc() -> None:
    assert run.now().endswith("Z")
    assert abs(run.seconds_between(run.now(), run.now())) < 5
