from __future__ import annotations

import base64
import dataclasses
import re

import pytest

from ansible_collections.samerun.stack.plugins.module_utils import contract

SOURCES = {row.source: f"the {row.source}" for row in contract.TABLE}
REQUIRED = [row for row in contract.TABLE if row.required]


def test_the_users_four_variables_are_required_and_the_keys_secret() -> None:
    assert {row.name: row.secret for row in REQUIRED} == {
        "MLFLOW_TRACKING_URI": False,
        "MLFLOW_S3_ENDPOINT_URL": False,
        "AWS_ACCESS_KEY_ID": True,
        "AWS_SECRET_ACCESS_KEY": True,
    }


def test_the_users_keys_of_config_map_and_secret_are_kept() -> None:
    plain, secret = contract.keys(secret=False), contract.keys(secret=True)
    assert plain["MLFLOW_TRACKING_URI"] == "mlflow-tracking-uri"
    assert plain["MLFLOW_S3_ENDPOINT_URL"] == "mlflow-s3-endpoint-url"
    assert secret["AWS_ACCESS_KEY_ID"] == "access-key"
    assert secret["AWS_SECRET_ACCESS_KEY"] == "secret-key"


def test_names_and_keys_are_unique_and_valid() -> None:
    names = [row.name for row in contract.TABLE]
    keys = [row.key for row in contract.TABLE]
    assert len(set(names)) == len(names)
    assert len(set(keys)) == len(keys)
    assert [name for name in names if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name)] == []
    assert [key for key in keys if not re.fullmatch(r"[a-z0-9.-]+", key)] == []


def test_secret_values_are_apart_and_out_of_the_repr() -> None:
    resolved = contract.resolve(SOURCES)
    assert set(resolved.secret) == {row.name for row in contract.TABLE if row.secret}
    assert [value for value in resolved.secret.values() if value in repr(resolved)] == []
    assert resolved.values == {row.name: f"the {row.source}" for row in contract.TABLE}
    assert resolved.names == sorted(row.name for row in contract.TABLE)


@pytest.mark.parametrize("row", contract.TABLE, ids=lambda row: row.name)
def test_what_has_no_value_is_left_out_and_missed_if_required(row: contract.Variable) -> None:
    resolved = contract.resolve({**SOURCES, row.source: ""})
    assert row.name not in resolved.values
    assert (row in contract.missing(resolved)) is row.required


def test_everything_missing_is_named_at_once() -> None:
    assert contract.missing(contract.resolve({})) == REQUIRED


def test_a_run_that_writes_through_mlflow_gets_nothing_of_the_store() -> None:
    resolved = contract.resolve(SOURCES, contract.PROXIED)
    assert [name for name in resolved.names if name.startswith("AWS_") or "S3" in name] == []
    assert contract.missing(resolved) == []
    in_both = [row for row in REQUIRED if row.modes == contract.MODES]
    assert contract.missing(contract.resolve({}, contract.PROXIED)) == in_both


@pytest.mark.parametrize(
    "login, header",
    [
        (contract.Login("größe", "a:b"), "Basic " + base64.b64encode("größe:a:b".encode()).decode()),
        (contract.Login(token="t0ken"), "Bearer t0ken"),
        (contract.Login("u", "p", "t0ken"), "Basic dTpw"),
        (contract.Login("without a password"), None),
        (contract.NOBODY, None),
    ],
)
def test_a_login_is_said_as_mlflows_own_client_says_it(login: contract.Login, header: str | None) -> None:
    assert login.headers.get("Authorization") == header
    sources = {f"mlflow_{part}": value for part, value in login.__dict__.items()}
    assert contract.Login.of(contract.resolve({**SOURCES, **sources}).values) == login


def test_waits_between_calls_of_mlflow_outlive_200_seconds_and_its_client_takes_them() -> None:
    from urllib3.util.retry import RequestHistory, Retry

    values = contract.resolve(SOURCES | contract.PATIENCE).plain
    tries, factor = (int(values[f"MLFLOW_HTTP_REQUEST_{name}"]) for name in ("MAX_RETRIES", "BACKOFF_FACTOR"))
    failed = RequestHistory("POST", "/", None, None, None)
    histories = [(failed,) * number for number in range(1, tries + 1)]
    waits = [Retry(backoff_factor=factor, history=history).get_backoff_time() for history in histories]
    assert tries <= 10, "MLflow's client refuses more"
    assert sum(waits[:-1]) > 200, "the last attempt alone would be luck"


def test_hash_is_of_what_is_not_secret() -> None:
    one = contract.resolve(SOURCES)
    assert contract.resolve({**SOURCES, "secret_key": "another"}).sha256 == one.sha256
    assert contract.resolve({**SOURCES, "tracking_uri": "another"}).sha256 != one.sha256


def test_a_row_is_found_by_its_source() -> None:
    assert contract.name_of("tracking_uri") == "MLFLOW_TRACKING_URI"
    with pytest.raises(StopIteration):
        contract.name_of("no such source")


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.TABLE[0].name = "OTHER"  # type: ignore[misc]


def test_what_a_run_sets_otherwise_is_not_in_its_contract() -> None:
    resolved = contract.resolve({**SOURCES, **contract.PATIENCE})
    less = resolved.without({"AWS_MAX_ATTEMPTS", "OTHER"})
    assert set(resolved.values) - set(less.values) == {"AWS_MAX_ATTEMPTS"}
    assert less.secret == resolved.secret
