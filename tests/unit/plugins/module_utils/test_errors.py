from __future__ import annotations

import os

from ansible_collections.samerun.stack.plugins.module_utils import errors
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError


def test_message_and_hint_are_one_line() -> None:
    assert str(SamerunError("Failed to do it: why.", "Do that.")) == "Failed to do it: why. Do that."
    assert str(SamerunError("Failed to do it: why.")) == "Failed to do it: why."


def test_exit_codes_are_those_of_sysexits() -> None:
    sysexits = {getattr(os, name) for name in dir(os) if name.startswith("EX_")}
    codes = {v for k, v in vars(errors).items() if k.isupper() and isinstance(v, int)}
    assert codes <= sysexits
    assert min(codes) >= os.EX_USAGE
    assert SamerunError("x").code == os.EX_CONFIG
