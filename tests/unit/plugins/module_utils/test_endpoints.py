from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.samerun.stack.plugins.module_utils.endpoints import Endpoint, checked
from ansible_collections.samerun.stack.plugins.module_utils.errors import SamerunError


def endpoint(target: str, **given: Any) -> Endpoint:
    values = {"namespace": "monitoring", "node_port": 30500, "name": "mlflow", "port": 5000, **given}
    return Endpoint(service="MLflow", role="mlflow", target=target, **values)


@pytest.mark.parametrize(
    "target, viewpoint, url",
    [
        ("process", "host", "http://localhost:5000"),
        ("docker", "host", "http://localhost:5000"),
        ("docker", "container", "http://mlflow:5000"),
        ("kubernetes", "host", "http://localhost:30500"),
        ("kubernetes", "pod", "http://mlflow.monitoring.svc.cluster.local:5000"),
    ],
)
def test_one_endpoint_is_resolved_for_each_viewpoint(target: str, viewpoint: str, url: str) -> None:
    assert endpoint(target).url(viewpoint) == url


@pytest.mark.parametrize(
    "target, viewpoint", [("process", "container"), ("process", "pod"), ("docker", "pod"), ("kubernetes", "container")]
)
def test_a_viewpoint_that_reaches_nothing_is_refused_with_the_variable(target: str, viewpoint: str) -> None:
    with pytest.raises(SamerunError, match=rf"for a {viewpoint}.*{target} world.*mlflow_endpoint"):
        endpoint(target).url(viewpoint)


def test_an_external_service_is_the_same_from_everywhere() -> None:
    found = endpoint("docker", external="https://mlflow.example/")
    assert {found.url(viewpoint) for viewpoint in ("host", "container", "pod")} == {"https://mlflow.example"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_an_external_loopback_is_refused_from_inside(host: str) -> None:
    found = endpoint("docker", external=f"http://{host}:5000")
    assert found.url("host") == f"http://{host}:5000"
    with pytest.raises(SamerunError, match=r"inside a container that is the container itself"):
        found.url("container")


def test_hosts_are_every_name_in_use() -> None:
    assert endpoint("docker").hosts() == ["127.0.0.1:5000", "localhost:5000", "mlflow:5000"]
    assert set(endpoint("kubernetes").hosts()) == {
        "127.0.0.1:30500", "localhost:30500", "127.0.0.1:5000", "localhost:5000",
        "mlflow.monitoring.svc.cluster.local:5000",
        "mlflow.monitoring.svc:5000", "mlflow.monitoring:5000", "mlflow:5000",
    }  # fmt: skip


@pytest.mark.parametrize("url", ["http://a:1", "https://a.example/path"])
def test_a_url_is_taken(url: str) -> None:
    assert checked("mlflow_endpoint", url, "http://example") == url


@pytest.mark.parametrize(
    "url, example",
    [
        ("mlflow:5000", "http://mlflow:5000"),
        ("s3://bucket", "http://the.example"),
        ("ftp://a", "http://the.example"),
        ("", "http://the.example"),
        ("http://", "http://the.example"),
        ("http://mlflow:port", "http://the.example"),
        ("http://[::1", "http://the.example"),
        ("http://ml flow:5000", "http://the.example"),
        ("http://mlflow:5000/#/experiments/0", "http://mlflow:5000"),
    ],
)
def test_what_is_no_url_is_refused_with_an_example(url: str, example: str) -> None:
    with pytest.raises(SamerunError) as caught:
        checked("mlflow_endpoint", url, "http://the.example")
    assert "mlflow_endpoint" in caught.value.message
    assert example in caught.value.hint


@pytest.mark.parametrize(
    "url, shown",
    [
        ("https://me:canary@host:1/path", "https://host:1/path"),
        ("me:canary@host:1", "http://host:1"),
        ("http://me:c@n#ary/canary@host:1", "http://host:1"),
        ("s3://key:canary@bucket", "http://bucket"),
    ],
)
def test_a_password_in_a_url_is_refused_and_not_shown(url: str, shown: str) -> None:
    with pytest.raises(SamerunError) as caught:
        checked("mlflow_endpoint", url, "http://example")
    assert "canary" not in str(caught.value)
    assert caught.value.hint == f"Write mlflow_endpoint: {shown}"
