# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The world's S3 store, as the controller uses it."""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import looks, probes, s3
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, mlflow

_CODE_PREFIX = ".samerun/code"


def client(world: World, keys: Credentials | None = None) -> Any:
    """A boto3 client for the store as this host reaches it, with the world's own keys unless others are given.

    Raises:
        SamerunError: there are no keys, or boto3 is missing.
    """
    found = keys or credentials.require(world)
    try:
        return s3.s3_client(
            world.object_store.url("host"), found.access_key, found.secret_key, world.region,
            direct=not world.object_store.external,
        )  # fmt: skip
    except ImportError as error:
        raise SamerunError(
            "Failed to talk to the S3 store: the Python package boto3 is missing.", "pip install boto3", UNAVAILABLE
        ) from error


def probe(world: World) -> None:
    """Look whether the store can be written and read from here, with the keys that runs get where they get some.

    Raises:
        ProbeError: it cannot.
    """
    url, keys = world.object_store.url("host"), credentials.require(world)
    ours = not world.object_store.external
    probes.probe_tcp(world.object_store.service, probes.S3_ENDPOINT, url, "host", ours=ours)
    used = keys.for_runs if world.artifact_mode == contract.DIRECT else keys
    start = f"Failed to use the S3 store from the host: {probes.S3_ENDPOINT}={url}"
    looks.at_once({start: lambda: s3.probe_s3(client(world, used), world.bucket, url, "host")})


def put_code(world: World, code: Bundle) -> str:
    """Upload the code unless the same is there already; return its key.

    A run without keys of the store fetches it through MLflow.
    """
    key = f"{_CODE_PREFIX}/{code.sha256}.tar.gz"
    if world.artifact_mode == contract.PROXIED:
        mlflow.put(world, key, code.data)
        return key
    there = client(world)
    try:
        if there.list_objects_v2(Bucket=world.bucket, Prefix=key, MaxKeys=1).get("KeyCount", 0) == 0:
            there.put_object(Bucket=world.bucket, Key=key, Body=code.data)
    except Exception as error:  # whatever boto3 raises becomes one line
        raise problem(world, error) from error
    return key


def ensure_bucket(world: World, *, change: bool = True) -> bool:
    """Create the world's bucket unless it is there; return whether it was (or, without `change`, would be) made."""
    from botocore.exceptions import ClientError

    there = client(world)
    try:
        there.head_bucket(Bucket=world.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise problem(world, error) from error
        if change:
            try:
                there.create_bucket(Bucket=world.bucket)
            except Exception as refused:  # whatever boto3 raises becomes one line
                raise problem(world, refused) from refused
        return True
    except Exception as error:  # whatever boto3 raises becomes one line
        raise problem(world, error) from error
    return False


def problem(world: World, error: Exception) -> SamerunError:
    found = s3.s3_problem(error, world.bucket, world.object_store.url("host"), "host")
    return SamerunError(found.message, found.hint, UNAVAILABLE)
