from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, versions


@pytest.mark.parametrize(
    "client, server, fits",
    [
        ("3.13.0", "3.17.2", True), ("3.18.0", "3.13.0", True), ("2.9.2", "3.17.2", True), ("", "2.9.2", True),
        ("3.13.0", "", True), ("3.0.0rc1", "2.22.0", False), ("10.0", "9.9", False), ("1.30.1", "3.17.2", None),
    ],
)  # fmt: skip
def test_a_client_of_a_newer_major_version_is_refused_and_a_very_old_one_warned_of(
    client: str, server: str, fits: bool | None
) -> None:
    warnings: list[str] = []
    if fits is False:
        with pytest.raises(probes.ProbeError, match=rf"MLflow {server} by the trainer's MLflow {client}") as caught:
            versions.refuse_newer(client, server, warnings.append)
        assert f"mlflow<{int(server.split('.')[0]) + 1}" in caught.value.hint
    else:
        versions.refuse_newer(client, server, warnings.append)
    assert bool(warnings) is (fits is None)
