"""Signatures are what botocore makes of the same request, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import signing

Request = tuple[str, str, dict[str, str], bytes, signing.Keys, str]

WHEN = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
KEYS = {
    "plain": signing.Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    "odd": signing.Keys("a key/with=all+%of it", "größe \"'\\$& 漢"),
    "temporary": signing.Keys("ASIA", "secret", "IQoJb3JpZ2luX2VjE//+=="),
}
REGIONS = ["us-east-1", "auto", "eu-west-1", "garage", "rëgion with space"]
PATHS = [
    "a",
    "a/b.txt",
    "with space/and  two",
    "plus+and%20percent%",
    "tilde~dot.dash-under_",
    "größe/漢字/🙂",
    "//empty//segments//",
    "../up/./here/..",
    "?query=no&really#neither",
    "a:b@c,d;e=f$g!h*i'j(k)[l]{m}|n\\o^p`q\"r<s>",
    "\x01control\x7f",
    "new\nline\ttab",
    "x" * 1024,
]
QUERIES: list[dict[str, str]] = [
    {},
    {"uploads": ""},
    {"uploadId": "a+b/c=d e~f", "partNumber": "10"},
    {"b": "2", "a": "1", "B": "3", "ü": "ä&="},
]
ENDPOINTS = [
    "http://127.0.0.1:9000",
    "https://s3.eu-west-1.amazonaws.com",
    "https://Account.R2.example:443/",
    "http://store:80",
    "http://store:443/below/here",
    "http://[::1]:9000",
]
HEADERS: list[dict[str, str]] = [
    {},
    {"Content-Type": "text/plain", "x-amz-meta-odd": "  two   spaces  and\ttab ", "X-Amz-Acl": "private"},
]


def theirs(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: signing.Keys, region: str
) -> dict[str, str]:
    """The headers that botocore sends."""
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    auth.S3SigV4Auth(Credentials(*keys[:2], keys.token or None), "s3", region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def ours(
    method: str, url: str, headers: dict[str, str], body: bytes, keys: signing.Keys, region: str
) -> dict[str, str]:
    made = signing.signed(method, url, headers, body, keys, region, WHEN.timestamp())
    return {name.lower(): value for name, value in made.items() if name != "Host"}  # botocore leaves it to urllib3


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_args, **_given: WHEN.replace(tzinfo=None))


def address(endpoint: str, key: str, query: dict[str, str]) -> str:
    path = urlsplit(endpoint).path.rstrip("/")
    url = f"{endpoint.removesuffix(urlsplit(endpoint).path)}{path}{signing.quoted_path(f'/bucket/{key}')}"
    return f"{url}?{signing.quoted_query(query)}" if query else url


@pytest.mark.parametrize("key", PATHS, ids=range(len(PATHS)))
def test_any_key_of_an_object_is_signed_as_by_botocore(key: str) -> None:
    for endpoint, query, (method, body) in product(ENDPOINTS, QUERIES, [("GET", b""), ("PUT", b"content\0")]):
        given: Request = (method, address(endpoint, key, query), {}, body, KEYS["plain"], "us-east-1")
        assert ours(*given) == theirs(*given)


@pytest.mark.parametrize("who", KEYS)
@pytest.mark.parametrize("region", REGIONS)
def test_any_keys_and_region_and_headers_sign_as_by_botocore(who: str, region: str) -> None:
    for headers, method in product(HEADERS, ("GET", "PUT", "POST", "DELETE")):
        given: Request = (
            method,
            address("https://store:9000", "a key", {"uploads": ""}),
            headers,
            b"x",
            KEYS[who],
            region,
        )
        assert ours(*given) == theirs(*given)


@pytest.mark.parametrize("key", PATHS, ids=range(len(PATHS)))
def test_an_address_is_encoded_as_by_boto3(key: str) -> None:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3", endpoint_url="http://127.0.0.1:1", aws_access_key_id="a", aws_secret_access_key="b",
        region_name="us-east-1", config=Config(request_checksum_calculation="when_required"),
    )  # fmt: skip
    sent: list[str] = []

    def stop(request: AWSRequest, **_given: object) -> None:
        sent.append(str(request.url))
        raise InterruptedError

    client.meta.events.register("before-sign.s3", stop)
    calls: tuple[tuple[Callable[[], Any], dict[str, str]], ...] = (
        (lambda: client.get_object(Bucket="bucket", Key=key), {}),
        (
            lambda: client.upload_part(Bucket="bucket", Key=key, PartNumber=1, UploadId="a+b/c=d e~f"),
            {"partNumber": "1", "uploadId": "a+b/c=d e~f"},
        ),
    )
    for call, query in calls:
        with pytest.raises(InterruptedError):
            call()
        found, made = urlsplit(sent.pop()), urlsplit(address("http://127.0.0.1:1", key, query))
        assert found.path == made.path
        assert unquote(made.path) == f"/bucket/{key}"
        assert sorted(found.query.split("&")) == made.query.split("&")


def test_a_host_is_told_with_its_port_unless_that_is_the_schemes_own() -> None:
    hosts = {
        "http://127.0.0.1:9000": "127.0.0.1:9000", "https://Account.R2.example:443/": "account.r2.example",
        "http://store:80": "store", "http://store:443": "store:443", "http://[::1]:9000": "[::1]:9000",
    }  # fmt: skip
    for url, host in hosts.items():
        assert signing.signed("GET", f"{url}/b/k", {}, b"", KEYS["plain"], "", 0)["Host"] == host


def test_keys_show_themselves_nowhere() -> None:
    assert "EXAMPLE" not in f"{KEYS['plain']!r} {KEYS['plain']} {[KEYS['plain']]}"
