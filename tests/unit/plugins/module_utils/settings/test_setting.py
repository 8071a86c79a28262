from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import ROLES_ONLY, Role, Setting


def test_a_setting_lies_in_the_option_of_its_role_unless_it_says_otherwise() -> None:
    rows = (
        Setting("db_port", "int", 1, "Its port."),
        Setting("db_image", "str", "", "Its image.", option=ROLES_ONLY),
        Setting("db_kind", "str", "", "Its kind.", option="world.kind"),
    )
    role = Role("db", "db_", "world.db", "Where the database is.", {"All": rows})
    assert [setting.option for setting in role.settings] == ["world.db.port", "", "world.kind"]


@pytest.mark.parametrize(
    "value, text", [("as it is", "as it is"), ("", ""), (None, ""), (5, "5"), (False, "false"), (["a"], '["a"]')]
)
def test_a_value_is_found_by_its_place_and_becomes_a_text(value: object, text: str) -> None:
    setting = Setting("db_port", "str", "", "Its port.", option="world.db.port")
    assert setting.text_in({"world": {"db": {"port": value}}}) == text


@pytest.mark.parametrize("default, computed", [("{{ x }}-data", True), ("data", False), ({}, False), (0, False)])
def test_a_default_may_be_computed_by_the_role(default: object, computed: bool) -> None:
    assert Setting("db_data", "str", default, "Its data.").is_computed is computed
