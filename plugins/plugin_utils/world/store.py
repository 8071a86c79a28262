# Copyright: samerun contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access to the world's S3 store from the controller."""

from __future__ import annotations

from typing import Any

from ansible_collections.samerun.stack.plugins.module_utils import contract
from ansible_collections.samerun.stack.plugins.module_utils.errors import UNAVAILABLE, SamerunError
from ansible_collections.samerun.stack.plugins.module_utils.world import Credentials, World
from ansible_collections.samerun.stack.plugins.plugin_utils.code.bundle import Bundle
from ansible_collections.samerun.stack.plugins.plugin_utils.shim import probes, probing, s3
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_client import S3Client
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.s3_connection import S3Error
from ansible_collections.samerun.stack.plugins.plugin_utils.shim.signing import Keys
from ansible_collections.samerun.stack.plugins.plugin_utils.world import credentials, mlflow

_CODE_PREFIX = ".samerun/code"


def client(world: World, keys: Credentials | None = None) -> Any:
    """A boto3 client for the store as this host reaches it, with `keys`, else with the world's own.

    It gives up quickly, and sends none of the checksums that stores other than AWS refuse.

    Raises:
        SamerunError: there are no keys, or boto3 is missing.
    """
    found = keys or credentials.require(world)
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise SamerunError(
            "Failed to talk to the S3 store: the Python package boto3 is missing.", "pip install boto3", UNAVAILABLE
        ) from error
    settings: dict[str, Any] = {"proxies": {}} if not world.object_store.external else {}
    config = Config(
        connect_timeout=probes.CONNECT_SECONDS, read_timeout=s3.READ_SECONDS, retries={"total_max_attempts": 2},
        request_checksum_calculation="when_required", response_checksum_validation="when_required", **settings,
    )  # fmt: skip
    return boto3.client(
        "s3", endpoint_url=world.object_store.url("host"), aws_access_key_id=found.access_key,
        aws_secret_access_key=found.secret_key, region_name=world.region or "us-east-1", config=config,
    )  # fmt: skip


def objects(world: World, keys: Credentials | None = None) -> S3Client:
    """The shim's small client for objects of the store. It needs no boto3; in all else it is like `client`.

    Raises:
        SamerunError: there are no keys.
    """
    found, endpoint = keys or credentials.require(world), world.object_store
    return s3.s3_client(endpoint.url("host"), Keys(*found.values), world.region, direct=not endpoint.external)


def probe(world: World) -> None:
    """Probe from this host whether the store can be written and read, with the runs' keys if runs get keys.

    Raises:
        ProbeError: the store does not answer, or refuses.
    """
    url, keys = world.object_store.url("host"), credentials.require(world)
    ours = not world.object_store.external
    probes.probe_tcp(world.object_store.service, probes.S3_ENDPOINT, url, "host", ours=ours)
    used = keys.for_runs if world.artifact_mode == contract.DIRECT else keys
    start = f"Failed to use the S3 store from the host: {probes.S3_ENDPOINT}={url}"
    probing.at_once({start: lambda: s3.probe_s3(objects(world, used), world.bucket, url, "host")})


def put_code(world: World, code: Bundle) -> str:
    """Upload the bundle unless the store has it already; return its key.

    If runs have no keys of the store, they fetch the bundle through MLflow, so it is uploaded through MLflow too.
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
    """Create the world's bucket if it is missing; return whether it was (or, without `change`, would be) created."""
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
    """Turn what boto3 raised into an error with a message of one line."""
    found = s3.s3_problem(_as_ours(error), world.bucket, world.object_store.url("host"), "host")
    return SamerunError(found.message, found.hint, UNAVAILABLE)


def _as_ours(error: Exception) -> S3Error:
    response = getattr(error, "response", None) or {}  # some connection errors have a response of None
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return S3Error(
        response.get("Error", {}).get("Code", "") or type(error).__name__, str(error),
        date=headers.get("date", ""), region=headers.get("x-amz-bucket-region", ""),
    )  # fmt: skip
