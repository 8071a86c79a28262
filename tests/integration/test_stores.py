"""Each store that a world can start is an S3 store: what is put is what is got, and only for those with its keys."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from typing import Any

import pytest
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.world import World
from ansible_collections.samerun.stack.plugins.plugin_utils import probes, store

KIB, MIB = 1024, 1024 * 1024
REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403")


@pytest.fixture
def s3(world: World) -> Any:
    return store.client(world)


@pytest.mark.parametrize("size", [0, KIB, 9 * MIB], ids=["empty", "1 KiB", "9 MiB multipart"])
def test_what_is_put_is_what_is_got(world: World, s3: Any, size: int) -> None:
    from boto3.s3.transfer import TransferConfig

    data, key = os.urandom(size), f"round trip/größe {size}"
    parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    s3.upload_fileobj(io.BytesIO(data), world.bucket, key, Config=parts)
    got = io.BytesIO()
    s3.download_fileobj(world.bucket, key, got)
    assert hashlib.sha256(got.getvalue()).hexdigest() == hashlib.sha256(data).hexdigest()
    multipart = "-2" in s3.head_object(Bucket=world.bucket, Key=key)["ETag"]
    assert multipart is (size > 5 * MIB)
    listed = s3.list_objects_v2(Bucket=world.bucket, Prefix=key)["Contents"]
    assert [(found["Key"], found["Size"]) for found in listed] == [(key, size)]


@pytest.mark.parametrize("who", ["nobody", "a stranger", "a wrong secret"])
@pytest.mark.parametrize("call", ["put_object", "get_object", "delete_object", "list_objects_v2", "list_buckets"])
def test_without_the_keys_nothing_is_allowed(world: World, s3: Any, who: str, call: str) -> None:
    from botocore.exceptions import ClientError

    s3.put_object(Bucket=world.bucket, Key="guarded", Body=b"guarded")
    names = {} if call == "list_buckets" else {"Bucket": world.bucket}
    names |= {"Key": "guarded"} if call.endswith("_object") else {}
    with pytest.raises(ClientError) as caught:
        getattr(caller(world, who), call)(**names)
    assert caught.value.response["Error"]["Code"] in REFUSED
    assert s3.get_object(Bucket=world.bucket, Key="guarded")["Body"].read() == b"guarded"


def caller(world: World, who: str) -> Any:
    """A client for the store with keys that are not the world's, or with none."""
    given = world.given_credentials
    assert given is not None
    url = world.object_store.url("host")
    if who == "nobody":
        import boto3
        from botocore import UNSIGNED
        from botocore.config import Config

        return boto3.client("s3", endpoint_url=url, region_name=world.region, config=Config(signature_version=UNSIGNED))
    access_key = given.access_key if who == "a wrong secret" else f"stranger{secrets.token_hex(4)}"
    return probes.s3_client(url, access_key, secrets.token_hex(20), world.region)


def test_bucket_is_made_once(real: worlds.RealWorld) -> None:
    assert store.ensure_bucket(real.world) is False
