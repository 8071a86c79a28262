"""Options that hold a secret are known as such to Ansible, in every module that takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils.options import SERVICE_SPEC, WORLD_SPEC

SECRET = ("access_key", "secret_key", "password", "token", "username")


def leaves(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, one in spec.items():
        yield name, one
        yield from leaves(one.get("options", {}))


def test_no_option_with_a_secret_is_shown() -> None:
    found = {name: one.get("no_log") for name, one in leaves(WORLD_SPEC) if name in SECRET}
    assert set(found) == set(SECRET)
    assert set(found.values()) == {True}


def test_what_is_not_required_has_a_default() -> None:
    optional = [(name, one) for name, one in leaves({**WORLD_SPEC, **SERVICE_SPEC}) if not one.get("required")]
    assert [name for name, one in optional if "default" not in one] == []
