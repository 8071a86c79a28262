"""What is asked of each engine for the services of worlds of today: an upgrade that changes it restarts them.

The data files are requests as data. A change of one is a change of running worlds; read it before you replace it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rendering

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("target", rendering.INVENTORIES)
@pytest.mark.parametrize("role", ["object_store", "mlflow"])
def test_a_service_of_today_is_asked_for_as_before(role: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    found = rendering.rendered(role, target, mlflow_image="registry.example/mlflow:3")
    assert found == json.loads((DATA / f"{role}.{target}.json").read_text())
