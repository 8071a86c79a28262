"""An S3 store in memory, for the calls of boto3's client that samerun makes."""

from __future__ import annotations

import io
from typing import Any, Protocol

from botocore.exceptions import ClientError


class S3(Protocol):
    """The methods of boto3's S3 client that samerun calls; boto3 makes its own class only at run time."""

    def head_bucket(self, *, Bucket: str) -> Any: ...  # noqa: N803 - boto3's names

    def create_bucket(self, *, Bucket: str) -> Any: ...  # noqa: N803

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> Any: ...  # noqa: N803

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any: ...  # noqa: N803

    def get_object(self, *, Bucket: str, Key: str) -> Any: ...  # noqa: N803


class FakeS3(S3):
    """A store with the given buckets.

    Attributes:
        kept: objects by bucket and key.
        refuses: the error code of every call; empty if calls succeed.
        asked: the calls that change something.
    """

    def __init__(self, *buckets: str) -> None:
        self.buckets = set(buckets)
        self.kept: dict[tuple[str, str], bytes] = {}
        self.refuses = ""
        self.asked: list[str] = []

    def _check(self, call: str, bucket: str) -> None:
        if code := self.refuses or ("" if bucket in self.buckets else "NoSuchBucket"):
            raise ClientError({"Error": {"Code": code, "Message": code}}, call)

    def head_bucket(self, *, Bucket: str) -> Any:  # noqa: N803
        self._check("HeadBucket", Bucket)
        return {}

    def create_bucket(self, *, Bucket: str) -> Any:  # noqa: N803
        self.asked.append(f"create {Bucket}")
        self.buckets.add(Bucket)
        return {}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> Any:  # noqa: N803
        self._check("ListObjectsV2", Bucket)
        return {"KeyCount": sum(bucket == Bucket and key.startswith(Prefix) for bucket, key in self.kept)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803
        self._check("PutObject", Bucket)
        self.asked.append(f"put {Key}")
        self.kept[Bucket, Key] = Body
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        self._check("GetObject", Bucket)
        return {"Body": io.BytesIO(self.kept[Bucket, Key])}
