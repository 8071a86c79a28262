"""A small real S3 store that refuses every request whose signature differs from botocore's."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from serving import serving

ACCESS_KEY, SECRET_KEY = "the key", "the secret"
REGION = "us-east-1"


class Asked(NamedTuple):
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    length: int


class Objects(ThreadingHTTPServer):
    """A store with path-style objects and multipart uploads.

    Attributes:
        kept: path to the bytes of each object.
        parts: number to the bytes of each part of the current upload.
        asked: all requests, in order.
        refusals: status, body and headers of the next answers, for any request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.empty()

    def empty(self) -> None:
        """Remove all objects, and forget all requests."""
        self.kept: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        self.asked: list[Asked] = []
        self.refusals: list[tuple[int, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def methods(self) -> list[str]:
        return [asked.method for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: Objects
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers), len(body)))
        parts = urlsplit(self.path)  # a full URL if this is used as a proxy
        path, query = unquote(parts.path), {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        if self.server.refusals:
            self.send(*self.server.refusals.pop(0))
        elif not self.is_signed(parts.path + (f"?{parts.query}" if parts.query else ""), body):
            self.send(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", {})
        elif self.command == "GET":
            found = self.server.kept.get(path)
            self.send(404, "<Error><Code>NoSuchKey</Code></Error>", {}) if found is None else self.send(200, found, {})
        elif query:
            self.upload(path, query, body)
        else:
            self.server.kept[path] = body
            self.send(200, b"", {"ETag": f'"{len(body)}"'})

    do_DELETE = do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class needs these names

    def upload(self, path: str, query: dict[str, str], body: bytes) -> None:
        """Answer a request of a multipart upload."""
        if "uploads" in query:
            self.send(200, "<X><UploadId>1+2/3 &amp;4</UploadId></X>", {})
        elif query["uploadId"] != "1+2/3 &4":
            self.send(404, "<Error><Code>NoSuchUpload</Code></Error>", {})
        elif "partNumber" in query:
            self.server.parts[int(query["partNumber"])] = body
            self.send(200, b"", {"ETag": f'"{len(body)}&{query["partNumber"]}"'})
        elif self.command == "DELETE":
            self.server.parts = {}
            self.send(204, b"", {})
        else:
            listed = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>&quot;\d+&amp;(\d+)&quot;</ETag>", body.decode())
            assert [int(number) for number, _tag in listed] == sorted(self.server.parts)
            assert all(number == tag for number, tag in listed)
            self.server.kept[path] = b"".join(self.server.parts[number] for number in sorted(self.server.parts))
            self.send(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>", {})

    def is_signed(self, target: str, body: bytes) -> bool:
        given: Any = re.fullmatch(r".* SignedHeaders=(.*), Signature=(.*)", self.headers["Authorization"])
        headers = {name: self.headers[name] for name in given[1].split(";")}
        url = f"http://{headers.pop('host')}{target}"
        request = AWSRequest(method=self.command, url=url, headers=headers, data=body)
        request.context["timestamp"] = headers["x-amz-date"]
        signer = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", REGION)
        wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        return bool(wanted == given[2]) and headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()

    def send(self, status: int, body: str | bytes, headers: dict[str, str]) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: Any) -> None:
        """Print nothing."""


@contextlib.contextmanager
def objects() -> Iterator[Objects]:
    with serving(Objects()) as server:
        yield server
