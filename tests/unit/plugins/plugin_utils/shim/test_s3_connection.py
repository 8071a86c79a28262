"""Proxies and certificates are those that boto3 would use."""

from __future__ import annotations

import base64
import importlib.util
import select
import socket
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.httpsession
import botocore.utils
import certifi
import objects
import pytest
from serving import serving

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import s3_connection
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.signing import Keys

KEYS = Keys(objects.ACCESS_KEY, objects.SECRET_KEY)
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def made(endpoint: str, *, direct: bool = False) -> S3Client:
    return S3Client(endpoint, KEYS, "", connect=5, read=5, direct=direct)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.upper, VARIABLES), "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store() -> Iterator[objects.Objects]:
    with objects.objects() as found:
        yield found


class Proxy(BaseHTTPRequestHandler):
    """Carries what is asked by CONNECT, and keeps who asked."""

    logins: list[str | None] = []  # noqa: RUF012 - of the one proxy of these tests

    def do_CONNECT(self) -> None:
        self.logins.append(self.headers["Proxy-Authorization"])
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: there, there: self.connection}
            while ready := select.select(list(ends), [], [], 5)[0]:
                for one in ready:
                    if not (data := one.recv(1 << 16)):
                        return
                    ends[one].sendall(data)

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[str]:
    Proxy.logins.clear()
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Proxy)) as server:
        server.daemon_threads = True
        yield f"127.0.0.1:{server.server_port}"


@pytest.fixture
def secure(store: objects.Objects, tmp_path: Path) -> Path:
    """The certificate with which `store` speaks TLS from now on."""
    certificate, key = tmp_path / "crt.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=store", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject]
    subprocess.run([*argv, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    store.socket = context.wrap_socket(store.socket, server_side=True)
    store.handle_error = lambda *_args: None  # type: ignore[method-assign] # of clients that trust it not
    return certificate


def test_a_store_is_asked_by_the_proxy_that_the_environment_names(
    store: objects.Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", store.url.replace("//", "//me:p%40ss@"))  # a store answers as a proxy would
    made("http://store.example:9000").put("b", "k", b"x")
    (asked,) = store.asked
    assert (asked.target, asked.headers["Host"]) == ("http://store.example:9000/b/k", "store.example:9000")
    assert base64.b64decode(asked.headers["Proxy-Authorization"].split()[1]) == b"me:p@ss"


@pytest.mark.parametrize("how", ["no_proxy", "direct"])
def test_a_proxy_is_passed_by_where_it_is_not_wanted(
    store: objects.Objects, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(S3Error, match=r"the proxy 127\.0\.0\.1 fails") as caught:
        made(store.url).put("b", "k", b"x")
    assert caught.value.code == "ProxyConnectionError"
    if how == "no_proxy":
        monkeypatch.setenv("no_proxy", "other,127.0.0.1")
    made(store.url, direct=how == "direct").put("b", "k", b"x")
    assert store.kept == {"/b/k": b"x"}


def test_a_store_of_tls_is_reached_through_a_proxy(
    store: objects.Objects, secure: Path, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(secure))
    monkeypatch.setenv("https_proxy", f"me:pass@{proxy}")
    made(store.url.replace("http:", "https:")).put("b", "k", b"x")
    assert store.kept == {"/b/k": b"x"}
    assert Proxy.logins == ["Basic " + base64.b64encode(b"me:pass").decode()]
    assert store.asked[0].headers.get("Proxy-Authorization") is None


def test_only_the_certificates_that_are_named_are_trusted(
    store: objects.Objects, secure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = made(store.url.replace("http:", "https:"))
    with pytest.raises(S3Error, match="CERTIFICATE_VERIFY_FAILED") as caught:
        client.put("b", "k", b"x")
    assert caught.value.code == "SSLError"
    for variable in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        with monkeypatch.context() as only:
            only.setenv(variable, str(secure))
            made(store.url.replace("http:", "https:")).put("b", variable, b"x")
    assert list(store.kept) == ["/b/AWS_CA_BUNDLE", "/b/REQUESTS_CA_BUNDLE"]
    monkeypatch.setenv("AWS_CA_BUNDLE", str(secure))
    with pytest.raises(S3Error, match="CERTIFICATE_VERIFY_FAILED"):  # the name is compared as well
        made(store.url.replace("http://127.0.0.1", "https://localhost")).put("b", "k", b"x")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_read_are_told(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = tmp_path / "ca.pem"
    if content:
        named.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(named))
    with pytest.raises(S3Error, match=r"ca\.pem cannot be read as certificates") as caught:
        made("https://127.0.0.1:1").put("b", "k", b"x")
    assert caught.value.code == "SSLError"


ENVIRONMENTS: list[dict[str, str]] = [
    {},
    {"http_proxy": "http://plain:3128"},
    {"HTTPS_PROXY": "http://me:you@secure:3128", "http_proxy": "plain"},
    {"all_proxy": "http://all:1"},
    {"http_proxy": "http://plain:1", "no_proxy": "s3.example"},
    {"http_proxy": "http://plain:1", "https_proxy": "http://plain:1", "no_proxy": ".example,10.0.0.0/8"},
    {"http_proxy": "http://plain:1", "NO_PROXY": "*"},
    {"http_proxy": "http://plain:1", "no_proxy": "s3.example:9000, 10.1.2.3"},
]


@pytest.mark.parametrize("environ", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize("endpoint", ["http://s3.example:9000", "https://s3.example", "http://10.1.2.3:9000"])
def test_the_proxy_is_the_one_that_botocore_takes(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], endpoint: str
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    theirs = botocore.httpsession.ProxyConfiguration(botocore.utils.get_environ_proxies(endpoint))
    assert s3_connection._proxy(endpoint) == (theirs.proxy_url_for(endpoint) or "")


def test_the_certificates_are_those_that_botocore_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert s3_connection._trusted() == botocore.httpsession.get_cert_path(True) == certifi.where()
    find = importlib.util.find_spec
    absent = {"certifi"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in absent else find(name))
    assert s3_connection._trusted() == botocore.httpsession.DEFAULT_CA_BUNDLE
    absent.add("botocore")
    assert s3_connection._trusted() is None


def test_without_such_packages_the_systems_certificates_are_trusted(
    store: objects.Objects, secure: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_connection, "_CA_PACKAGES", ())
    monkeypatch.setenv("SSL_CERT_FILE", str(secure))
    made(store.url.replace("http:", "https:")).put("b", "k", b"x")
    assert store.kept == {"/b/k": b"x"}
