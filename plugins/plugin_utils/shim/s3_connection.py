# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends one request to an S3 store, with the proxy and the certificates that boto3 would use."""

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

# boto3 takes its certificates from a file that a variable names, else from the file in a package.
_CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
_CA_PACKAGES = ("certifi", "botocore")


class S3Error(Exception):
    """A request to a store failed.

    Attributes:
        code: S3's error code, such as NoSuchBucket; else the HTTP status; without an answer, botocore's name of the
            error.
        status: the HTTP status; 0 if there was no answer.
        date: the answer's Date header; empty if there is none.
        region: the bucket's region if the answer names it; else empty.
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
        endpoint: the store's address.
        connect: seconds to wait for a connection.
        read: seconds to wait for data from the store.
        direct: whether to ignore the proxies in the environment.
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
        """Send a request, yield the answer, and close the connection.

        Args:
            target: path and query.

        Raises:
            S3Error: no answer came, or it ended early.
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
        """Return an unopened connection, the request target and the headers; a proxy needs the full URL as target."""
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
    """Turn a ValueError about a header into an S3Error; only the access key can cause it, and must not be shown."""
    try:
        yield
    except ValueError:
        raise S3Error("InvalidAccessKeyId", "the access key holds what no header can carry") from None


def _proxy(endpoint: str) -> str:
    """Return the address of the proxy for `endpoint`; empty for none. A proxy without a scheme gets http."""
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
    """Return a TLS context as strict as boto3's; `ssl.create_default_context` is stricter since Python 3.13."""
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
    """Return the certificate file that boto3 would trust; None for the system's certificates."""
    for variable in _CA_VARIABLES:
        if named := os.environ.get(variable):
            return named
    for package in _CA_PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            if os.path.isfile(path := os.path.join(folder, "cacert.pem")):
                return path
    return None
