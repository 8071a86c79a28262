"""What holds for every row of every table."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.settings import ROLES, SETTINGS
from ansible_collections.samerun.stack.plugins.module_utils.settings.setting import Setting

ROWS = [pytest.param(setting, id=setting.name) for setting in SETTINGS.values()]


def test_every_variable_is_one_row_with_the_prefix_of_its_role() -> None:
    names = [setting.name for role in ROLES for setting in role.settings]
    assert sorted(names) == sorted(SETTINGS)
    assert [s.name for role in ROLES for s in role.settings if not s.name.startswith(role.prefix)] == []


def test_no_two_settings_have_one_place() -> None:
    places = [setting.option for setting in SETTINGS.values() if setting.option]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("setting", ROWS)
def test_a_default_is_admitted_by_its_own_spec_and_explained_in_sentences(setting: Setting) -> None:
    spec = {"argument_spec": {setting.name: setting.shape}}
    assert ArgumentSpecValidator(**spec).validate({setting.name: setting.default}).error_messages == []
    assert type(setting.default).__name__ == setting.type
    assert setting.help.endswith(".")
    assert setting.help.count("`") % 2 == 0


@pytest.mark.parametrize("setting", ROWS)
def test_what_sounds_like_a_secret_is_marked(setting: Setting) -> None:
    sounds = any(word in setting.name for word in ("password", "token", "secret_", "access_key", "username"))
    assert setting.no_log is sounds


def test_a_setting_that_the_contract_takes_is_in_the_option_world() -> None:
    taken = [SETTINGS[row.source] for row in contract.TABLE if row.source in SETTINGS]
    assert [s.name for s in taken if not (s.option or "").startswith("world.")] == [], (
        "World cannot read these: leave out `option=ROLES_ONLY`, and take no setting of the role training"
    )
