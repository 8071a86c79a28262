from __future__ import annotations

import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import proxies


@pytest.mark.parametrize(
    "environ, expected",
    [
        ({"PATH": "/bin", "NO_PROXY": "x"}, None),
        ({"http_proxy": ""}, None),
        ({"http_proxy": "http://p:1"}, "mlflow,minio"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a, b", "no_proxy": "b,c"}, "b,c,a,mlflow,minio"),
        ({"ALL_PROXY": "http://p:1", "no_proxy": "minio"}, "minio,mlflow"),
    ],
)
def test_own_hosts_are_added_to_those_that_need_no_proxy(environ: dict[str, str], expected: str | None) -> None:
    found = proxies.unproxied(environ, ("mlflow", "minio"))
    assert found == ({} if expected is None else {"no_proxy": expected, "NO_PROXY": expected})
