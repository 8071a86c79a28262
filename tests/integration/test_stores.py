"""Each store that a world can start is an S3 store: what is put is what is got, and only for those with its keys."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
from typing import Any

import pytest
import requests
import worlds

from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3 import probe_s3
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, store

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


@pytest.mark.parametrize("size", [0, KIB, 20 * MIB], ids=["empty", "1 KiB", "20 MiB in parts"])
@pytest.mark.parametrize("key", ["plain", "größe/漢 +%2F~", "a?b=c&d;e", "dots/.../x"])
def test_what_a_run_puts_is_what_boto3_gets(world: World, s3: Any, key: str, size: int) -> None:
    data, runs = os.urandom(size), store.objects(world, credentials.for_runs(world))
    runs.upload(world.bucket, f"of a run/{key}", io.BytesIO(data), size)
    assert s3.get_object(Bucket=world.bucket, Key=f"of a run/{key}")["Body"].read() == data
    with runs.get(world.bucket, f"of a run/{key}") as answer:
        assert answer.read() == data
    s3.delete_object(Bucket=world.bucket, Key=f"of a run/{key}")


def test_a_run_that_gives_up_leaves_no_parts(world: World, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_args: Any) -> list[str]:
        raise S3Error("", "it is given up")

    runs = store.objects(world, credentials.for_runs(world))
    monkeypatch.setattr(runs, "_parts", failing)
    with pytest.raises(S3Error, match="given up"):
        runs.upload(world.bucket, "of a run/parts", io.BytesIO(), 20 * MIB)
    assert not s3.list_multipart_uploads(Bucket=world.bucket, Prefix="of a run/parts").get("Uploads")


@pytest.mark.parametrize("who", ["stranger", "wrong secret", "no such bucket", "another's bucket"])
def test_what_a_run_may_not_do_is_told_apart(world: World, s3: Any, who: str) -> None:
    keys = credentials.for_runs(world)
    assert keys
    told = {
        "stranger": (Credentials("stranger", keys.secret_key), world.bucket, "it does not know the access key"),
        "wrong secret": (Credentials(keys.access_key, "wrong"), world.bucket, "the secret key is wrong"),
        "no such bucket": (credentials.require(world), "no-such-bucket", "the bucket does not exist"),
        "another's bucket": (keys, f"{world.bucket}-of-others", "the key may not write and read there"),
    }
    used, bucket, says = told[who]
    if who == "another's bucket":
        s3.create_bucket(Bucket=bucket)
    try:
        with pytest.raises(probes.ProbeError, match=says):
            probe_s3(store.objects(world, used), bucket, world.object_store.url("host"), "host")
    finally:
        if who == "another's bucket":
            s3.delete_bucket(Bucket=bucket)


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
    return store.client(world, Credentials(access_key, secrets.token_hex(20)))


def test_bucket_is_made_once(real: worlds.RealWorld) -> None:
    assert store.ensure_bucket(real.world) is False


@pytest.fixture
def trainer(world: World) -> Any:
    """A client with the key that runs get."""
    keys = credentials.for_runs(world)
    assert keys
    assert keys.values != credentials.require(world).values
    return store.client(world, keys)


def test_the_key_of_runs_does_what_a_run_needs(world: World, s3: Any, trainer: Any) -> None:
    from boto3.s3.transfer import TransferConfig

    data, parts = os.urandom(6 * MIB), TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
    trainer.upload_fileobj(io.BytesIO(data), world.bucket, "of a run/in parts", Config=parts)
    assert trainer.get_object(Bucket=world.bucket, Key="of a run/in parts")["Body"].read() == data
    assert trainer.list_objects_v2(Bucket=world.bucket, Prefix="of a run/")["KeyCount"] == 1
    upload = trainer.create_multipart_upload(Bucket=world.bucket, Key="of a run/given up")["UploadId"]
    trainer.abort_multipart_upload(Bucket=world.bucket, Key="of a run/given up", UploadId=upload)
    s3.delete_object(Bucket=world.bucket, Key="of a run/in parts")


def test_the_key_of_runs_does_nothing_else(world: World, s3: Any, trainer: Any) -> None:
    from botocore.exceptions import ClientError

    bucket, other = world.bucket, f"{world.bucket}-of-others"
    s3.create_bucket(Bucket=other)
    for name in (bucket, other):
        s3.put_object(Bucket=name, Key="kept", Body=b"kept")
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    expiry = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    calls: dict[str, Any] = {
        "delete": lambda: trainer.delete_object(Bucket=bucket, Key="kept"),
        "delete the bucket": lambda: trainer.delete_bucket(Bucket=bucket),
        "read another bucket": lambda: trainer.get_object(Bucket=other, Key="kept"),
        "list another bucket": lambda: trainer.list_objects_v2(Bucket=other),
        "write to another bucket": lambda: trainer.put_object(Bucket=other, Key="mine", Body=b""),
        "copy from another bucket": lambda: trainer.copy_object(Bucket=bucket, Key="x", CopySource=f"{other}/kept"),
        "make a bucket": lambda: trainer.create_bucket(Bucket=f"{bucket}-mine"),
        "open the bucket to all": lambda: trainer.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
        ),
        "let objects expire": lambda: trainer.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": [expiry]}
        ),
    }
    answers = {}
    try:
        for what, call in calls.items():
            try:
                call()
                answers[what] = "allowed"
            except ClientError as error:
                answers[what] = error.response["Error"]["Code"]
        (refused,) = trainer.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "kept"}]})["Errors"]
        assert refused["Code"] == "AccessDenied"
        assert answers == dict.fromkeys(calls, "AccessDenied")
        assert s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept"
    finally:
        s3.delete_object(Bucket=other, Key="kept")
        s3.delete_bucket(Bucket=other)


@pytest.mark.docker
@pytest.mark.parametrize("real", ["docker"], indirect=True)
def test_the_key_of_runs_does_not_administer(real: worlds.RealWorld) -> None:
    own, runs = credentials.require(real.world), credentials.for_runs(real.world)
    assert runs
    assert [administer(real.world, keys) for keys in (own, runs)] == [200, 403]


def administer(world: World, keys: Credentials) -> int:
    """What MinIO answers to a question for administrators."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as Signed

    asked = AWSRequest("GET", f"{world.object_store.url('host')}/minio/admin/v3/info")
    S3SigV4Auth(Signed(*keys.values), "s3", world.region or "us-east-1").add_auth(asked)
    return requests.get(asked.url, headers=dict(asked.headers), timeout=30).status_code


@pytest.mark.docker
@pytest.mark.parametrize("real", ["docker"], indirect=True)
def test_the_key_of_runs_follows_the_buckets_that_the_inventory_names(real: worlds.RealWorld) -> None:
    other = f"{real.world.bucket}-of-data"
    s3 = store.client(real.world)
    s3.create_bucket(Bucket=other)
    try:
        given = real.play("samerun.stack.services", object_store_data_buckets=[other])
        again = real.play("samerun.stack.services", object_store_data_buckets=[other])
        assert (given.code, again.code, again.changed) == (0, 0, 0), given.text + again.text
        assert given.changed
        runs = store.client(real.world, credentials.for_runs(real.world))
        for name in (real.world.bucket, other):
            runs.put_object(Bucket=name, Key="of a run/put", Body=b"")
    finally:
        for name in (real.world.bucket, other):
            s3.delete_object(Bucket=name, Key="of a run/put")
        s3.delete_bucket(Bucket=other)
