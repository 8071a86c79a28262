from __future__ import annotations

from ansible_collections.samerun.stack.plugins.module_utils.contract import TABLE, resolve
from ansible_collections.samerun.stack.plugins.plugin_utils.engines.kubernetes import contract_objects

SOURCES = {row.source: f"the {row.source}" for row in TABLE}


def test_values_survive_a_secret() -> None:
    values = {"a": "x\ny", "b": "größe $(x)", "c": ""}
    encoded = contract_objects.encoded(values)
    assert contract_objects.decoded({"data": encoded}) == values
    assert [value for value in encoded.values() if value in values.values() and value] == []
    assert contract_objects.decoded({}) == {}


def test_a_container_gets_the_contract_by_reference_alone() -> None:
    found = contract_objects.references(resolve(SOURCES))
    assert [entry["name"] for entry in found] == sorted(row.name for row in TABLE)
    places = {row.name: ("secretKeyRef" if row.secret else "configMapKeyRef", row.key) for row in TABLE}
    got = {entry["name"]: next(iter(entry["valueFrom"].items())) for entry in found}
    assert {name: (kind, reference["key"]) for name, (kind, reference) in got.items()} == places
    assert {reference["name"] for _kind, reference in got.values()} == {"mlflow-config", "r2-credentials"}


def test_what_has_no_value_is_not_referred_to() -> None:
    names = {entry["name"] for entry in contract_objects.references(resolve({**SOURCES, "checksums": ""}))}
    assert names == {row.name for row in TABLE if row.source != "checksums"}
