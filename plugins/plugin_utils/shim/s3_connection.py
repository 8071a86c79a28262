# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends one request to an S3 store, by the proxy and the certificates that boto3 would use.

This file travels with a launch, see shim.py.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import importlib.util
import os
import socket
import ssl
import urllib.request
from typing import Iterator, Mapping
from urllib.parse import unquote, urlsplit

# What boto3 takes its certificates from: a file that a variable names, else one that a package brings.
_CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_CA_PACKAGES = ("certifi", "botocore")


class S3Error(Exception):
    """Why a request to a store failed.

    Attributes:
        code: S3's own word, as NoSuchBucket; the status of an answer that has none; what botocore calls such an error,
            where there was no answer at all.
        status: of the answer, 0 for none.
        date: what the answer says of the time there, empty for nothing.
        region: the bucket's, where the answer names it.
    """

    def __init__(self, code: str, text: str, *, status: int = 0, date: str = "", region: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.status = status
        self.date = date
        self.region = region


class Connector:
    """Opens one connection for each request.

    Args:
        endpoint: of the store.
        connect: seconds that a connection may take to be made.
        read: seconds that the store may say nothing.
        direct: whether a proxy that the environment names is passed by.
    """

    def __init__(self, endpoint: str, connect: float, read: float, *, direct: bool) -> None:
        self._endpoint = endpoint
        self._parts = urlsplit(endpoint)
        self._seconds = connect, read
        self._proxy = urlsplit("" if direct else _proxy(endpoint))
        self._tls: ssl.SSLContext | None = None

    @contextlib.contextmanager
    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request, yield the answer to be read, and close the connection.

        Args:
            target: path and query.

        Raises:
            S3Error: there is no answer, or it ends early.
        """
        connection, target, headers = self._prepared(target, headers)
        try:
            self._connect(connection)
            with _told_as_cut(self._endpoint):
                # A store that refuses a request may answer, and close the connection, before it has read the body.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError), _told_as_key():
                    connection.request(method, target, body or None, {**headers, "Connection": "close"})
                with connection.getresponse() as answer:
                    yield answer
        finally:
            connection.close()

    def _prepared(
        self, target: str, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, str, Mapping[str, str]]:
        """A connection that is yet to be made, and what is asked over it: a proxy wants whole addresses."""
        encrypted = self._parts.scheme == "https"
        host, port = self._parts.hostname or "", self._parts.port or (443 if encrypted else 80)
        if not self._proxy.hostname:
            return self._made(encrypted, host, port), target, headers
        login = _login(self._proxy.username, self._proxy.password)
        made = self._made(encrypted, self._proxy.hostname, self._proxy.port or 80)
        if not encrypted:
            return made, f"{self._parts.scheme}://{self._parts.netloc}{target}", {**headers, **login}
        made.set_tunnel(host, port, login)
        return made, target, headers

    def _made(self, encrypted: bool, host: str, port: int) -> http.client.HTTPConnection:
        if not encrypted:
            return http.client.HTTPConnection(host, port, timeout=self._seconds[0])
        self._tls = self._tls or _trusting()
        return http.client.HTTPSConnection(host, port, timeout=self._seconds[0], context=self._tls)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise S3Error("SSLError", f"TLS to {self._endpoint} failed: {error}") from error
        except (socket.timeout, TimeoutError) as error:
            raise S3Error("ConnectTimeoutError", f"{self._endpoint} does not answer in time") from error
        except ConnectionResetError as error:
            raise S3Error("ConnectionClosedError", f"the connection to {self._endpoint} was cut: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            if self._proxy.hostname:
                raise S3Error("ProxyConnectionError", f"the proxy {self._proxy.hostname} fails: {error}") from error
            raise S3Error("EndpointConnectionError", f"nothing answers at {self._endpoint}: {error}") from error
        connection.sock.settimeout(self._seconds[1])


@contextlib.contextmanager
def _told_as_cut(endpoint: str) -> Iterator[None]:
    try:
        yield
    except (socket.timeout, TimeoutError) as error:
        raise S3Error("ReadTimeoutError", f"{endpoint} takes the connection and says nothing") from error
    except ssl.SSLError as error:
        raise S3Error("SSLError", f"TLS to {endpoint} failed: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        cause = str(error) or type(error).__name__
        raise S3Error("ConnectionClosedError", f"the connection to {endpoint} was cut: {cause}") from error


@contextlib.contextmanager
def _told_as_key() -> Iterator[None]:
    """Of all headers only the keys are a person's own words; the error would show them."""
    try:
        yield
    except ValueError:
        raise S3Error("InvalidAccessKeyId", "the access key holds what no header can carry") from None


def _proxy(endpoint: str) -> str:
    """The address of the proxy before `endpoint`, empty for none; of a proxy without a scheme it is http."""
    parts = urlsplit(endpoint)
    if urllib.request.proxy_bypass(parts.netloc):
        return ""
    found = urllib.request.getproxies().get(parts.scheme, "")
    return found if not found or "://" in found else f"http://{found}"


def _login(user: str | None, password: str | None) -> dict[str, str]:
    if not user:
        return {}
    pair = base64.b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {pair}"}


def _trusting() -> ssl.SSLContext:
    """As strict as boto3's; `ssl.create_default_context` refuses more from Python 3.13 on."""
    context, trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), _trusted()
    try:
        if trusted:
            context.load_verify_locations(trusted)
        else:
            context.load_default_certs()
    except OSError as error:
        raise S3Error("SSLError", f"{trusted} cannot be read as certificates: {error}") from error
    return context


def _trusted() -> str | None:
    """The file of certificates that boto3 would trust; None for the system's own."""
    for variable in _CA_VARIABLES:
        if named := os.environ.get(variable):
            return named
    for package in _CA_PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            if os.path.isfile(path := os.path.join(folder, "cacert.pem")):
                return path
    return None
