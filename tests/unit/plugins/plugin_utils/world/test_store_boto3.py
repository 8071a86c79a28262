"""What boto3 raises on the controller is told in the same words as what the run's own requests meet."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import objects
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, SSLError
from world_options import pair

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint
from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.world import store


def refused(code: str, status: int = 403, **headers: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "No."},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return ClientError(response, "HeadBucket")


@pytest.fixture
def there() -> Iterator[objects.Objects]:
    with objects.objects() as found:
        yield found


@pytest.fixture
def world(there: objects.Objects, tmp_path: Path) -> World:
    mlflow = Endpoint("MLflow", "mlflow", "process", "mlflow", 5000)
    theirs = Endpoint("the S3 store", "object_store", "process", "store", 9000, external=there.url)
    return World("w", "process", tmp_path, pair(mlflow, theirs), "b", "", objects.ACCESS_KEY, objects.SECRET_KEY)


@pytest.mark.parametrize(
    "error, says",
    [
        (refused("InvalidAccessKeyId"), "it does not know the access key"),
        (refused("NoSuchBucket", 404), "the bucket does not exist"),
        (refused("404", 404), "what answers there is no S3 store"),
        (refused("SlowDown", 503), "An error occurred (SlowDown) when calling the HeadBucket operation: No."),
        (refused("RequestTimeTooSkewed", date="Mon, 01 Jan 2024 00:00:00 GMT"), "s behind the one here"),
        (EndpointConnectionError(endpoint_url="http://x", error="no"), "nothing answers there"),
        (SSLError(endpoint_url="http://x", error=OSError("no")), "TLS does not fit"),
        (RuntimeError("whatever it was"), "whatever it was"),
    ],
)
def test_what_boto3_raises_is_one_line(world: World, error: Exception, says: str) -> None:
    assert says in store.problem(world, error).message


def test_the_host_probes_as_a_run_does_without_the_callers_own_token(
    world: World, there: objects.Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of somebody else")
    store.probe(world)
    assert there.kept == {"/b/.samerun/probe": probes.PROBE_BODY}
    assert all("X-Amz-Security-Token" not in asked.headers for asked in there.asked)
    with pytest.raises(probes.ProbeError, match="the secret key is wrong"):
        store.probe(dataclasses.replace(world, secret_key="another"))


@pytest.mark.parametrize("external, proxied", [(True, True), (False, False)])
def test_no_proxy_stands_before_a_store_of_ours(
    world: World, monkeypatch: pytest.MonkeyPatch, external: bool, proxied: bool
) -> None:
    for name in ("http_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    ours = dataclasses.replace(world.object_store, external="http://127.0.0.1:1" if external else "", port=1)
    with pytest.raises(S3Error) as caught:
        store.objects(dataclasses.replace(world, services={**world.services, "object_store": ours})).put("b", "k", b"")
    assert (caught.value.code == "ProxyConnectionError") is proxied
