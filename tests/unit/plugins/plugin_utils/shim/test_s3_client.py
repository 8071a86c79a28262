"""Requests to a tiny real store, which believes botocore's signatures alone."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import breaking
import objects
import pytest

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import s3_client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.signing import Keys

KEYS = Keys(objects.ACCESS_KEY, objects.SECRET_KEY)
BUSY: tuple[int, str, dict[str, str]] = (
    503,
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
    {},
)


def made(endpoint: str, keys: Keys = KEYS, region: str = "") -> S3Client:
    return S3Client(endpoint, keys, region, connect=2, read=2)


@pytest.fixture(scope="module")
def started() -> Iterator[objects.Objects]:
    with objects.objects() as found:
        yield found


@pytest.fixture
def store(started: objects.Objects) -> objects.Objects:
    started.empty()
    return started


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "_AGAIN_SECONDS", 0.0)


@pytest.mark.parametrize("key", ["a", "größe/漢 +%~", "//a//", "../b/.", "a?b=c#d&e;f"])
def test_what_is_put_under_any_key_is_what_is_got(store: objects.Objects, key: str) -> None:
    client, body = made(store.url), os.urandom(100)
    client.put("b", key, body)
    with client.get("b", key) as answer:
        assert answer.read() == body
    assert store.kept == {f"/b/{key}": body}


def test_no_checksum_is_sent_that_a_store_might_refuse(store: objects.Objects) -> None:
    made(store.url).put("b", "k", b"x")
    assert sorted(name.lower() for name in store.asked[0].headers) == [
        "accept-encoding", "authorization", "connection", "content-length", "host", "x-amz-content-sha256",
        "x-amz-date",
    ]  # fmt: skip


def test_a_store_below_a_path_is_asked_there(store: objects.Objects) -> None:
    made(store.url + "/below/here/").put("b", "k", b"x")
    assert store.kept == {"/below/here/b/k": b"x"}


def test_keys_for_a_while_tell_their_token(store: objects.Objects) -> None:
    made(store.url, KEYS._replace(token="the/token+=")).put("b", "k", b"x")
    assert store.asked[0].headers["X-Amz-Security-Token"] == "the/token+="


def test_a_region_of_its_own_is_signed_for(store: objects.Objects) -> None:
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        made(store.url, region="auto").put("b", "k", b"x")
    assert "/auto/s3/" in store.asked[0].headers["Authorization"]


@pytest.mark.parametrize("keys", [Keys("new\nline", "s"), Keys("漢字", "s"), Keys("k", "s", "to\nken")])
def test_keys_that_no_header_can_carry_are_refused_and_not_shown(store: objects.Objects, keys: Keys) -> None:
    with pytest.raises(S3Error, match="no header can carry") as caught:
        made(store.url, keys).put("b", "k", b"x")
    assert caught.value.code == "InvalidAccessKeyId"
    assert caught.value.__suppress_context__


# ---- what fails ----


@pytest.mark.parametrize("refusal", [BUSY, (500, "", {}), (502, "<html>", {}), (429, "", {})])
def test_what_may_pass_is_asked_for_twice(store: objects.Objects, refusal: tuple[int, str, dict[str, str]]) -> None:
    store.refusals = [refusal]
    made(store.url).put("b", "k", b"x")
    assert store.methods == ["PUT", "PUT"]
    store.refusals = [refusal] * 3
    with pytest.raises(S3Error):
        made(store.url).put("b", "k", b"x")
    assert len(store.methods) == 4


def test_a_refusal_is_final_and_says_why(store: objects.Objects) -> None:
    body = "<Error><Code>AccessDenied</Code><Message>You &amp; I may not.</Message></Error>"
    store.refusals = [(403, body, {"x-amz-bucket-region": "eu-west-3"})]
    with pytest.raises(S3Error, match=r"An error occurred \(AccessDenied\) at PUT: You & I may not\.") as caught:
        made(store.url).put("b", "k", b"x")
    assert (caught.value.code, caught.value.status, caught.value.region) == ("AccessDenied", 403, "eu-west-3")
    assert caught.value.date
    assert store.methods == ["PUT"]


@pytest.mark.parametrize(
    "refusal, code, region",
    [
        ((301, "", {"x-amz-bucket-region": "eu-west-3"}), "PermanentRedirect", "eu-west-3"),
        ((301, "<Error><Code>PermanentRedirect</Code></Error>", {}), "PermanentRedirect", ""),
        (
            (400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>a-b</Region></Error>", {}),
            "AuthorizationHeaderMalformed", "a-b",
        ),
        ((301, "<html>", {"Location": "https://elsewhere"}), "301", ""),
        ((404, "<html>", {}), "404", ""),
    ],
)  # fmt: skip
def test_redirects_are_not_followed_and_told_apart(
    store: objects.Objects, refusal: tuple[int, str, dict[str, str]], code: str, region: str
) -> None:
    store.refusals = [refusal]
    with pytest.raises(S3Error) as caught:
        made(store.url).put("b", "k", b"x")
    assert (caught.value.code, caught.value.region) == (code, region)


@pytest.mark.parametrize(
    "how, code",
    [
        ("cut", "ConnectionClosedError"),
        ("reset", "ConnectionClosedError"),
        ("garbage", "ConnectionClosedError"),
        ("half a refusal", "500"),
        ("silent", "ReadTimeoutError"),
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 22], ids=["little", "much"])
def test_connections_that_fail_are_told_apart(how: str, code: str, size: int) -> None:
    with breaking.breaking(how) as address:
        client = S3Client(f"http://{address}", KEYS, "", connect=2, read=0.2)
        with pytest.raises(S3Error) as caught:
            client.put("b", "k", b"x" * size)
    # One that reads only the beginning may reset the connection before its answer is read.
    assert caught.value.code in {code, *(["ConnectionClosedError"] if size > 1 else [])}


def test_an_object_that_is_cut_while_it_is_read_is_told() -> None:
    with breaking.breaking("half") as address, pytest.raises(S3Error) as caught:  # noqa: SIM117
        with made(f"http://{address}").get("b", "k") as answer:
            answer.read()
    assert caught.value.code == "ConnectionClosedError"


def test_a_port_that_nobody_listens_at_is_told() -> None:
    with pytest.raises(S3Error) as caught:
        made("http://127.0.0.1:1").put("b", "k", b"x")
    assert caught.value.code == "EndpointConnectionError"


# ---- in parts ----


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_little_is_put_in_one_piece(store: objects.Objects, size: int) -> None:
    made(store.url).upload("b", "k", io.BytesIO(b"x" * size + b"written meanwhile"), size)
    assert store.kept == {"/b/k": b"x" * size}
    assert store.methods == ["PUT"]


@pytest.mark.parametrize("size", [1001, 3000, 123_456])
def test_much_is_put_in_parts(store: objects.Objects, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(s3_client, "PART", 1000)
    monkeypatch.setattr(s3_client, "_MOST_PARTS", 100)
    data = os.urandom(size)
    made(store.url).upload("b", "a key", io.BytesIO(data + b"written meanwhile"), size)
    assert store.kept == {"/b/a key": data}
    assert 2 <= len(store.parts) <= 100
    assert [store.methods[0], store.methods[-1]] == ["POST", "POST"]


def test_a_part_that_fails_by_chance_is_sent_again(store: objects.Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_client, "PART", 1000)
    send = objects._Handler.upload
    failed: list[str] = []

    def once(self: objects._Handler, path: str, query: dict[str, str], body: bytes) -> None:
        if query.get("partNumber") == "2" and not failed:
            failed.append(path)
            self.send(*BUSY)
        else:
            send(self, path, query, body)

    monkeypatch.setattr(objects._Handler, "upload", once)
    made(store.url).upload("b", "k", io.BytesIO(b"x" * 3500), 3500)
    assert failed
    assert store.kept == {"/b/k": b"x" * 3500}


@pytest.mark.parametrize("fails", ["a part", "the end", "the end, after 200"])
def test_parts_of_what_failed_are_removed(store: objects.Objects, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    monkeypatch.setattr(s3_client, "PART", 1000)
    send = objects._Handler.upload

    def refuse(self: objects._Handler, path: str, query: dict[str, str], body: bytes) -> None:
        if (fails == "a part" and query.get("partNumber") == "2") or (fails != "a part" and b"<Part>" in body):
            status = 200 if "200" in fails else 403
            self.send(status, "<Error><Code>EntityTooLarge</Code><Message>No.</Message></Error>", {})
        else:
            send(self, path, query, body)

    monkeypatch.setattr(objects._Handler, "upload", refuse)
    with pytest.raises(S3Error, match="EntityTooLarge"):
        made(store.url).upload("b", "k", io.BytesIO(b"x" * 3500), 3500)
    assert store.methods[-1] == "DELETE"
    assert (store.kept, store.parts) == ({}, {})
