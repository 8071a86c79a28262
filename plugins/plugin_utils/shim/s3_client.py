# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small S3 client, made with the standard library only: get, put, and multipart upload.

See https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html.
"""

from __future__ import annotations

import contextlib
import html
import http.client
import re
import threading
import time
from typing import BinaryIO, ContextManager, Iterator, Mapping
from urllib.parse import urlsplit

from ansible_collections.samerun.stack.plugins.plugin_utils.shim import signing
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import Connector, S3Error

PART = 8 << 20  # bytes; S3 wants parts of at least 5 MiB, except for the last, and takes at most 10000
_MOST_PARTS = 10000
_AT_ONCE = 4  # parts that are sent at the same time, and held in memory
_ATTEMPTS = 2  # few, as the user waits for the end of a run; the collector keeps the rest later
_AGAIN_SECONDS = 0.5
# Errors after which a second attempt may succeed; botocore tries again after the same ones.
_PASSING_STATUS = (429, 500, 502, 503, 504, 509)
_PASSING_CODES = (
    "ConnectTimeoutError", "ConnectionClosedError", "EndpointConnectionError", "ProxyConnectionError",
    "ReadTimeoutError", "BadDigest", "RequestTimeout", "Throttling", "ThrottlingException",
)  # fmt: skip
_LONGEST_REFUSAL = 1 << 16
_XML = "http://s3.amazonaws.com/doc/2006-03-01/"


class S3Client:
    """An S3 client with short timeouts; it sends no checksums, which some stores other than AWS refuse.

    The bucket is part of the path (path style), as with boto3 if an endpoint is given.

    Args:
        region: the region for signatures; empty for us-east-1, which stores without regions expect.
        connect: seconds to wait for a connection.
        read: seconds to wait for data from the store.
        direct: whether to ignore the proxies in the environment.
    """

    def __init__(
        self, endpoint: str, keys: signing.Keys, region: str, *, connect: float, read: float, direct: bool = False
    ) -> None:
        parts = urlsplit(endpoint)
        self._origin, self._base = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        self._keys = keys
        self._region = region or "us-east-1"
        self._connector = Connector(endpoint, connect, read, direct=direct)

    def put(self, bucket: str, key: str, body: bytes) -> http.client.HTTPMessage:
        """Put an object; return the headers of the answer.

        Raises:
            S3Error: the store refused the request or did not answer; all requests of this class raise it.
        """
        return self._call("PUT", bucket, key, body=body)[0]

    def get(self, bucket: str, key: str) -> ContextManager[http.client.HTTPResponse]:
        """Return an object as a context manager, to be read inside it; reading may raise an S3Error too."""
        return self._answered("GET", bucket, key)

    def upload(self, bucket: str, key: str, source: BinaryIO, size: int) -> None:
        """Put the first `size` bytes of `source`; a large object is sent in parts."""
        if size <= PART:
            self.put(bucket, key, source.read(size))
            return
        _headers, answer = self._call("POST", bucket, key, {"uploads": ""})
        upload = {"uploadId": _said("UploadId", answer)}
        try:
            tags = self._parts(bucket, key, upload, source, size)
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{html.escape(tag)}</ETag></Part>"
                for number, tag in enumerate(tags, 1)
            )
            body = f'<CompleteMultipartUpload xmlns="{_XML}">{listed}</CompleteMultipartUpload>'
            headers, answer = self._call("POST", bucket, key, upload, body.encode())
            if b"<Error>" in answer:  # S3 sends status 200 before it joins the parts, which may fail
                raise _refusal("POST", 200, headers, answer)
        except BaseException:
            with contextlib.suppress(S3Error):  # abort the upload: parts that stay cost money
                self._call("DELETE", bucket, key, upload)
            raise

    def _parts(self, bucket: str, key: str, upload: Mapping[str, str], source: BinaryIO, size: int) -> list[str]:
        """Send all parts, several at the same time; return the ETag of each."""
        from concurrent.futures import ThreadPoolExecutor  # imported late: few launches need it

        length = max(PART, -(-size // _MOST_PARTS))
        reading = threading.Lock()

        def send(start: int) -> str:
            with reading:
                source.seek(start)
                part = source.read(min(length, size - start))
            number = {"partNumber": str(start // length + 1)}
            return self._call("PUT", bucket, key, {**upload, **number}, part)[0]["ETag"]

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(send, range(0, size, length)))

    def _call(
        self, method: str, bucket: str, key: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[http.client.HTTPMessage, bytes]:
        with self._answered(method, bucket, key, query, body) as answer:
            return answer.headers, answer.read()

    @contextlib.contextmanager
    def _answered(
        self, method: str, bucket: str, key: str, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; send it once more if the first attempt failed for a passing reason."""
        path = self._base + signing.quoted_path(f"/{bucket}/{key}")
        target = f"{path}?{signing.quoted_query(query)}" if query else path
        with contextlib.ExitStack() as stack:
            for left in reversed(range(_ATTEMPTS)):
                try:
                    answer = self._asked(stack, method, target, body)
                    break
                except S3Error as error:
                    if not left or not (error.status in _PASSING_STATUS or error.code in _PASSING_CODES):
                        raise
                stack.close()
                time.sleep(_AGAIN_SECONDS)
            yield answer

    def _asked(self, stack: contextlib.ExitStack, method: str, target: str, body: bytes) -> http.client.HTTPResponse:
        """Send one request; return the answer, which `stack` closes."""
        url = self._origin + target
        headers = signing.signed(method, url, {}, body, self._keys, self._region, time.time())
        answer = stack.enter_context(self._connector.exchange(method, target, headers, body))
        if answer.status >= 300:
            raise _refusal(method, answer.status, answer.headers, _read(answer))
        return answer


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Return the body of an error answer, as much of it as arrives."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return answer.read(_LONGEST_REFUSAL)
    return b""


def _refusal(method: str, status: int, headers: http.client.HTTPMessage, answer: bytes) -> S3Error:
    region = headers.get("x-amz-bucket-region") or _said("Region", answer)
    code = _said("Code", answer) or ("PermanentRedirect" if status == 301 and region else str(status))
    text = (
        f"An error occurred ({code}) at {method}: {_said('Message', answer) or http.client.responses.get(status, '')}"
    )
    return S3Error(code, text, status=status, date=headers.get("Date", ""), region=region)


def _said(name: str, answer: bytes) -> str:
    """Return the text of the first XML element `name`; empty if there is none."""
    found = re.search(rf"<{name}>([^<]*)</{name}>".encode(), answer)
    return html.unescape(found[1].decode(errors="replace")) if found else ""
