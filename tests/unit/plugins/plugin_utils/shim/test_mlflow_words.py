from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import mlflow_words


@pytest.mark.parametrize("answer, about", [("Invalid Host header", True), ("Permission denied", False), ("", False)])
def test_a_refusal_of_the_host_header_is_told_from_one_of_a_user(answer: str, about: bool) -> None:
    assert mlflow_words.refuses_host(answer) is about
