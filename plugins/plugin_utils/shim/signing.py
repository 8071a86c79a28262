# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signs requests to an S3 store: AWS Signature Version 4, as headers of the request.

See https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Mapping, NamedTuple
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_PORTS = {"http": 80, "https": 443}


class Keys(NamedTuple):
    """The keys to sign with; `token` is empty unless the keys are temporary."""

    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return "Keys(...)"


def quoted_path(path: str) -> str:
    """Encode `path` once for an S3 address; slashes and dots stay unchanged."""
    return quote(path, safe="/~")


def quoted_query(query: Mapping[str, str]) -> str:
    """Encode and sort `query` for an address and its signature."""
    return "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items()))


def signed(
    method: str, url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, when: float
) -> dict[str, str]:
    """Return the headers for a request: `headers`, those that S3 needs in addition, and the signature of all.

    Args:
        url: its path comes from `quoted_path`, its query from `quoted_query`.
        when: seconds since the epoch. S3 refuses a signature that is more than 15 minutes early or late.
    """
    parts = urlsplit(url)
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(when))
    payload = hashlib.sha256(body).hexdigest()
    sent = {**headers, "Host": _host(url), "X-Amz-Content-SHA256": payload, "X-Amz-Date": now}
    if keys.token:
        sent["X-Amz-Security-Token"] = keys.token
    listed = sorted((name.lower(), " ".join(value.split())) for name, value in sent.items())
    names = ";".join(name for name, _value in listed)
    canonical = [method, parts.path or "/", parts.query, *(f"{name}:{value}" for name, value in listed), "", names]
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    request = hashlib.sha256("\n".join([*canonical, payload]).encode()).hexdigest()
    key = f"AWS4{keys.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, "\n".join([_ALGORITHM, now, scope, request]).encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={keys.access_key}/{scope}"
    return {**sent, "Authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"}


def _host(url: str) -> str:
    """Return the Host header; it has the port unless that is the scheme's default."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS[parts.scheme]) else f"{host}:{parts.port}"
